package browser

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/reports/page"
)

func TestBrowser(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "The HTML report in a browser")
}

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
	Skip("no chromium: the HTML report is NOT tested in a browser")
	return ""
}

// browser is one for all specs, for to start one takes longer than a spec; nil
// before the first.
var browser context.Context

// shared returns the browser, and starts it for the first spec.
func shared(path string) context.Context {
	GinkgoHelper()
	if browser == nil {
		// In a container there is no sandbox for root.
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true))
		allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
		var cancel context.CancelFunc
		browser, cancel = chromedp.NewContext(allocator)
		Expect(chromedp.Do(browser)).To(Succeed())
		atEnd = func() { cancel(); end() }
	}
	return browser
}

var atEnd = func() {}

var _ = AfterSuite(func() { atEnd() })

// look is the view of the page: its size, its colours, its scripts.
type look struct {
	width, height int64
	scheme        string
	scriptless    bool
}

// tab shows a report from disk, with all that it said and asked for.
type tab struct {
	context.Context
	size int // of the page, in bytes

	mu        sync.Mutex
	said      []string // console, exceptions, what the security policy forbade
	elsewhere []string // requests to anything but the file
}

// opened writes the report to disk and opens it.
func opened(r *reports.Report, l look) *tab {
	GinkgoHelper()
	path := chromium()
	file := filepath.Join(GinkgoT().TempDir(), "report.html")
	f, err := os.Create(file)
	Expect(err).NotTo(HaveOccurred())
	Expect(page.Write(f, r)).To(Succeed())
	Expect(f.Close()).To(Succeed())
	info, err := os.Stat(file)
	Expect(err).NotTo(HaveOccurred())
	t := &tab{size: int(info.Size())}

	ctx, cancel := chromedp.NewContext(shared(path), chromedp.WithNewBrowserContext()) // which remembers nothing of the spec before
	DeferCleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	DeferCleanup(cancel)
	t.Context = ctx
	Expect(chromedp.Listen(ctx, func(event any) { t.heard(event, file) })).To(Succeed())
	Expect(called(ctx, network.Enable, network.EnableParams{})).To(Succeed())
	Expect(called(ctx, runtime.Enable, cdp.Empty{})).To(Succeed())
	Expect(called(ctx, log.Enable, cdp.Empty{})).To(Succeed())
	Expect(called(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}})).To(Succeed())
	if l.scriptless {
		Expect(called(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})).To(Succeed())
	}
	t.do(chromedp.EmulateViewport(l.width, l.height), chromedp.Navigate("file://"+file), chromedp.WaitVisible(chromedp.CSS("h1")))
	return t
}

func called[P, R any](ctx context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	return err
}

func (t *tab) heard(event any, file string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		t.said = append(t.said, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		t.said = append(t.said, fmt.Sprint("console.", e.Type))
	case *log.EventEntryAdded:
		t.said = append(t.said, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err != nil || u.Scheme != "data" && u.Scheme != "blob" && (u.Scheme != "file" || u.Path != file) {
			t.elsewhere = append(t.elsewhere, e.Request.URL)
		}
	}
}

// quiet says that the page neither complained nor asked anybody.
func (t *tab) quiet() {
	GinkgoHelper()
	t.mu.Lock()
	defer t.mu.Unlock()
	Expect(t.said).To(BeEmpty())
	Expect(t.elsewhere).To(BeEmpty())
}

type step = chromedp.Action[chromedp.Void]

func click(sel string) step       { return chromedp.Click(chromedp.CSS(sel)) }
func typed(sel, text string) step { return chromedp.SendKeys(chromedp.CSS(sel), text) }

func (t *tab) do(steps ...step) {
	GinkgoHelper()
	Expect(chromedp.Do(t.Context, steps...)).To(Succeed())
}

// js evaluates an expression in the page.
func js[T any](t *tab, expression string) (value T) {
	GinkgoHelper()
	value, err := chromedp.Run(t.Context, chromedp.Evaluate[T](expression))
	Expect(err).NotTo(HaveOccurred())
	return value
}

// until waits for an expression to be true.
func (t *tab) until(expression string) {
	GinkgoHelper()
	Eventually(func(g Gomega) bool {
		is, err := chromedp.Run(t.Context, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		g.Expect(err).NotTo(HaveOccurred())
		return is
	}).WithTimeout(60*time.Second).WithPolling(50*time.Millisecond).Should(BeTrue(), expression)
}

// change sets a field as a person does.
func (t *tab) change(id, value string) {
	GinkgoHelper()
	js[bool](t, fmt.Sprintf(`(() => { const e = document.getElementById(%q); if (e.type === "checkbox") e.checked = !e.checked; else e.value = %q;
		e.dispatchEvent(new Event("input", {bubbles: true})); return true; })()`, id, value))
}

// openAll opens every case and waits until it is unpacked.
func (t *tab) openAll() {
	GinkgoHelper()
	js[bool](t, `(document.querySelectorAll("details").forEach((d) => { d.open = true; }), true)`)
	t.until(`document.querySelectorAll("details.case").length === document.querySelectorAll("details.case > .body").length`)
	js[bool](t, `(document.querySelectorAll("details").forEach((d) => { d.open = true; }), true)`)
}

// picture keeps what the page looks like, where PICTURES names a folder.
func (t *tab) picture(name string) {
	GinkgoHelper()
	dir := os.Getenv("PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(t.Context, chromedp.CaptureScreenshot())
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)).To(Succeed())
}

//go:embed rules.js
var rules string

// accessible holds the page to rules of our own, and to the names that the
// browser itself computes for whoever does not see it.
func (t *tab) accessible() {
	GinkgoHelper()
	Expect(js[[]string](t, rules)).To(BeEmpty())
	tree, err := chromedp.Call(t.Context, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	Expect(err).NotTo(HaveOccurred())
	named, roles := []string{"button", "link", "textbox", "searchbox", "combobox", "checkbox", "img", "image", "heading", "region", "navigation", "search", "form"}, map[string]int{}
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role := strings.Trim(string(n.Role.Value), `"`)
		roles[role]++
		for _, r := range named {
			if r == role && (n.Name == nil || strings.Trim(string(n.Name.Value), `" `) == "") {
				Fail("the browser has no name for a " + role)
			}
		}
	}
	Expect(roles["main"]).To(Equal(1))
	Expect(roles["banner"]).To(Equal(1))
	Expect(roles["navigation"]).To(Equal(1))
}
