package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// chromium finds a browser. On a user's machine the specs are skipped without
// one; in CI it must be there.
func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		Fail("no chromium, and CI=true: install it")
	}
	Skip("no chromium: the page is NOT tested in a browser")
	return ""
}

// browsed is a tab that shows the page of a mock endpoint, with all that it said
// and asked for.
type browsed struct {
	context.Context
	*administered
	page, mock string

	mu        sync.Mutex
	said      []string // console errors, exceptions
	elsewhere []string // requests to another origin
}

func browse(width, height int64, scheme string) *browsed {
	GinkgoHelper()
	path := chromium()
	b := &browsed{administered: newAdmin(GinkgoTB(), "secret")}
	mock := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Journal: b.sink, Faults: b.faults, Listener: mockendpoint.Listener{Mode: mockendpoint.MTLSOptional},
		ProfileOf: func(_, id string) (string, bool) { return id, true }})
	b.mock = mock.URL
	server := httptest.NewServer(b)
	DeferCleanup(func() { b.Close(); server.Close() })
	b.page = server.URL + "/#token=secret"

	// In a container there is no sandbox for root.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	DeferCleanup(cancel)
	tab, cancel := chromedp.NewContext(allocator)
	DeferCleanup(cancel)
	tab, cancel = context.WithTimeout(tab, 2*time.Minute)
	DeferCleanup(cancel)
	b.Context = tab
	own, err := url.Parse(server.URL)
	Expect(err).NotTo(HaveOccurred())
	Expect(chromedp.Listen(tab, func(event any) { b.heard(event, own.Host) })).To(Succeed())
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	Expect(called(tab, network.Enable, network.EnableParams{})).To(Succeed())
	Expect(called(tab, runtime.Enable, cdp.Empty{})).To(Succeed())
	Expect(called(tab, log.Enable, cdp.Empty{})).To(Succeed())
	Expect(called(tab, emulation.SetEmulatedMedia, media)).To(Succeed())
	b.do(chromedp.EmulateViewport(width, height),
		chromedp.Navigate(b.page), visible("#connection[data-state=live]"), ready("[role=switch]"))
	return b
}

func called[P, R any](tab context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(tab, command, params)
	return err
}

type step = chromedp.Action[chromedp.Void]

func visible(sel string) step     { return chromedp.WaitVisible(chromedp.CSS(sel)) }
func ready(sel string) step       { return chromedp.WaitReady(chromedp.CSS(sel)) }
func click(sel string) step       { return chromedp.Click(chromedp.CSS(sel)) }
func focus(sel string) step       { return chromedp.Focus(chromedp.CSS(sel)) }
func typed(sel, text string) step { return chromedp.SendKeys(chromedp.CSS(sel), text) }
func set(sel, text string) step   { return chromedp.SetValue(chromedp.CSS(sel), text) }

// script runs statements in the page.
func script(text string) step {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[any]("{"+text+"}; null")(ctx, t)
		return chromedp.Void{}, err
	}
}

func (b *browsed) heard(event any, own string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.said = append(b.said, fmt.Sprint("console.", e.Type))
	case *log.EventEntryAdded:
		b.said = append(b.said, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err != nil || u.Host != own && u.Scheme != "blob" && u.Scheme != "data" {
			b.elsewhere = append(b.elsewhere, e.Request.URL)
		}
	}
}

// quiet says that the page neither complained nor asked anybody else.
func (b *browsed) quiet() {
	GinkgoHelper()
	b.mu.Lock()
	defer b.mu.Unlock()
	Expect(b.said).To(BeEmpty())
	Expect(b.elsewhere).To(BeEmpty())
}

func (b *browsed) do(steps ...step) {
	GinkgoHelper()
	Expect(chromedp.Do(b.Context, steps...)).To(Succeed())
}

// js evaluates an expression in the page.
func js[T any](b *browsed, expression string) (value T) {
	GinkgoHelper()
	value, err := chromedp.Run(b.Context, chromedp.Evaluate[T](expression))
	Expect(err).NotTo(HaveOccurred())
	return value
}

// picture keeps what the page looks like, where PICTURES names a folder.
func (b *browsed) picture(name string) {
	GinkgoHelper()
	dir := os.Getenv("PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.Context, chromedp.CaptureScreenshot())
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(dir+"/"+name+".png", png, 0o644)).To(Succeed())
}

// curl posts a body to the mock endpoint and returns the status.
func (b *browsed) curl(body string) string {
	GinkgoHelper()
	out, err := exec.Command("curl", "-sk", "-o", os.DevNull, "-w", "%{http_code}", "-H", "Content-Type: application/json", "-H", "Authorization: Bearer s3cret-of-sender",
		"--data-binary", body, b.mock+"/profiles?source=aep").Output()
	Expect(err).NotTo(HaveOccurred())
	return string(out)
}

const doc = `{"person":{"name":{"firstName":"Emmett","age":12345678901234567890}},"segmentMembership":{"ups":{}},"identityMap":{"ecid":[{"id":"doc"}]}}`

var _ = Describe("The page", Serial, func() {
	It("shows a request of curl without a reload, filters, and takes faults by a click", func() {
		b := browse(1280, 900, "light")
		Expect(js[string](b, `location.hash`)).To(BeEmpty(), "the token leaves the address")
		b.picture("empty-light")
		Expect(b.curl(doc)).To(Equal("200"))
		b.do(visible(`[role=option] .good`))
		Expect(js[string](b, `document.querySelector("[role=option]").innerText`)).To(And(ContainSubstring("POST /profiles?source=aep"), ContainSubstring("doc")))

		b.do(click(`[data-fault=page-503]`), visible(`[data-fault=page-503][aria-checked=true]`))
		Expect(b.curl(strings.ReplaceAll(doc, `"doc"`, `"marty"`))).To(Equal("503"))
		b.do(visible(`[role=option] .bad`))
		b.until(`document.querySelector("[data-fault=page-503] ~ .fired").innerText === "1 ×"`)
		b.do(click(`[data-fault=page-503]`), visible(`[data-fault=page-503][aria-checked=false]`))
		Expect(b.curl(doc)).To(Equal("200"))

		refused, err := http.Get("http://" + strings.TrimPrefix(b.mock, "https://"))
		if err == nil {
			_ = refused.Body.Close()
		}
		b.do(visible(`[role=option] .odd`))

		b.do(typed("#profile", "marty"))
		b.until(`document.querySelectorAll("[role=option]").length === 1 && document.querySelector("[role=option]").innerText.includes("503")`)
		b.do(script(`document.querySelector("#profile").value = ""; document.querySelector("#status").value = "2xx"; document.querySelector("#status").dispatchEvent(new Event("input", {bubbles: true}))`))
		b.until(`document.querySelectorAll("[role=option]").length === 2 && document.querySelectorAll("[role=option] .good").length === 2`)
		b.do(click("[role=option]"))
		b.until(`document.querySelector("#detail pre")?.innerText.includes('"age": 12345678901234567890')`)
		shown := js[string](b, `document.querySelector("#detail").innerText`)
		Expect(shown).To(And(ContainSubstring("Bearer [redacted]"), ContainSubstring("TLS 1.3, TLS_"), ContainSubstring("source=aep")))
		Expect(shown).NotTo(ContainSubstring("s3cret"))
		b.picture("detail-light")
		b.do(click("#export-har"))
		b.quiet()
	})

	It("is used by keyboard", func() {
		b := browse(1280, 900, "dark")
		b.fill(5)
		b.until(`document.querySelectorAll("[role=option]").length === 6`)
		b.picture("list-dark")
		reached := map[string]bool{}
		for range 40 {
			b.do(chromedp.KeyEvent(kb.Tab))
			reached[js[string](b, `document.activeElement.id || document.activeElement.dataset.fault || document.activeElement.tagName`)] = true
			Expect(js[bool](b, `document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== "none"`)).To(BeTrue(), "the focus is seen")
		}
		for _, want := range []string{"list", "profile", "status", "text", "pause", "export-har", "clear", "page-503", "fault-spec", "SUMMARY"} {
			if want != "fault-spec" { // behind its summary
				Expect(reached).To(HaveKey(want))
			}
		}
		b.do(focus("#list"), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown))
		b.until(`document.querySelector("#detail-title").innerText === "POST /profiles?n=1"`)
		Expect(js[string](b, `document.querySelector("#list").getAttribute("aria-activedescendant")`)).To(Equal("e5"))
		Expect(js[string](b, `document.querySelector("#detail").innerText`)).To(And(ContainSubstring("Client certificate"), ContainSubstring("TLS_AES_128_GCM_SHA256")))
		b.picture("detail-dark")
		b.do(chromedp.KeyEvent(kb.Home))
		b.until(`document.querySelector("#detail").innerText.includes("unknown_ca (48), sent by the endpoint")`)
		b.do(chromedp.KeyEvent(kb.Escape))
		b.until(`document.querySelector("#detail-title").innerText === "Nothing chosen"`)
		b.do(focus("[data-fault=page-stall]"), chromedp.KeyEvent(" "))
		b.until(`document.querySelector("[data-fault=page-stall]").getAttribute("aria-checked") === "true" && document.activeElement.dataset.fault === "page-stall"`)
		b.do(focus("#list"), chromedp.KeyEvent("/"))
		Expect(js[string](b, `document.activeElement.id`)).To(Equal("text"))
		b.quiet()
	})

	It("fits a phone, and opens an entry over the list", func() {
		b := browse(390, 844, "light")
		b.fill(4)
		b.until(`document.querySelectorAll("[role=option]").length === 5`)
		Expect(js[bool](b, `document.documentElement.scrollWidth <= innerWidth`)).To(BeTrue(), "nothing sticks out")
		b.picture("phone")
		b.do(script(`document.querySelector("#e3").scrollIntoView()`), click("#e3"))
		b.until(`document.querySelector("#detail.open")?.innerText.includes("Client certificate")`)
		b.picture("phone-detail")
		Expect(js[bool](b, `document.documentElement.scrollWidth <= innerWidth`)).To(BeTrue())
		b.do(click("#close"))
		b.until(`!document.querySelector("#detail.open") && document.activeElement.id === "list"`)
		b.quiet()
	})

	DescribeTable("has contrast, in", func(scheme string) {
		b := browse(1280, 900, scheme)
		b.fill(3)
		for _, status := range []int{302, 404, 503, 0} {
			b.sink.Request(journal.Request{Arrived: noon, Answered: noon, Method: "POST", Target: "/", Status: status, Disconnected: status == 0, Fault: "f"})
		}
		b.until(`document.querySelectorAll("[role=option]").length === 8`)
		b.do(click("#e1"), click("[data-fault=page-503]"))
		b.until(`document.querySelector("#detail pre") && document.querySelector("[data-fault=page-503]").ariaChecked === "true"`)
		Expect(js[[]string](b, contrasts)).To(BeEmpty())
		b.picture("contrast-" + scheme)
		b.quiet()
	}, Entry(nil, "light"), Entry(nil, "dark"))

	It("asks for the token, and says so when it is wrong", func() {
		b := browse(1280, 900, "light")
		b.do(script(`sessionStorage.clear(); location.reload()`), visible("#token"), typed("#token", "wrong\r"))
		b.until(`document.querySelector("#sign-in-error").innerText.includes("token")`)
		b.picture("sign-in")
		b.do(set("#token", "secret"), click("#sign-in button"),
			visible("#connection[data-state=live]"))
	})

	It("stays usable with 100,000 entries, and says what it does not show", func() {
		b := browse(1280, 900, "light")
		for range 1000 { // without its knowledge: more than one batch
			for range 100 {
				b.sink.Request(journal.Request{Arrived: noon, Answered: noon, Method: "POST", Target: "/profiles", Status: 200, Body: []byte("{}")})
			}
		}
		b.until(`document.querySelector("#e100000") !== null`)
		Expect(js[int](b, `document.querySelector("#list").childElementCount`)).To(BeNumerically("<=", 500))
		b.do(script(`document.querySelector("#status").dispatchEvent(new Event("input", {bubbles: true}))`))
		b.until(`document.querySelectorAll("[role=option]").length === 200`)
		b.do(click("#older"))
		b.until(`document.querySelectorAll("[role=option]").length === 400 && document.querySelector("#e99601") !== null`)
		b.quiet()
	})
})

// until waits for an expression to be true.
func (b *browsed) until(expression string) {
	GinkgoHelper()
	Eventually(func(g Gomega) bool {
		is, err := chromedp.Run(b.Context, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		g.Expect(err).NotTo(HaveOccurred())
		return is
	}).WithTimeout(30*time.Second).WithPolling(50*time.Millisecond).Should(BeTrue(), expression)
}

// contrasts lists the text with less contrast than WCAG 2.2 AA asks for: 4.5,
// and 3 where it is large. Colours are read off a canvas, as they are shown.
const contrasts = `(() => {
  const context = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => { context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1); return [...context.getImageData(0, 0, 1, 1).data]; };
  const luminance = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 250) return c; } return [255, 255, 255, 255]; };
  const low = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || ["INPUT", "SELECT", "TEXTAREA"].includes(e.tagName);
    if (!own || !e.checkVisibility() || e.closest(".skip, noscript")) continue;
    const style = getComputedStyle(e);
    const [a, b] = [luminance(rgba(style.color)), luminance(ground(e))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    const ratio = (a + .05) / (b + .05);
    if (ratio < (large ? 3 : 4.5)) low.push(e.tagName + "." + e.className + " " + e.textContent.slice(0, 30) + ": " + ratio.toFixed(2));
  }
  return low;
})()`
