package witness

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
)

const started = 30 * time.Second // what a process may take to start or end on a busy machine

// nginx is a private process with a configuration and folders of its own, on a
// free port.
type nginx struct {
	dir     string
	url     string
	address string
	session *gexec.Session
}

// nginxConfig: client authentication is one variable of the tests, the
// protocols another. It logs every request, body and credentials included,
// whatever nginx then does with it. Everything is kept below the folder.
const nginxConfig = `
%[1]s
daemon off;
worker_processes 1;
pid %[2]s/nginx.pid;
error_log %[2]s/error.log info;
events { worker_connections 64; }
http {
  log_format seen escape=json '{"method":"$request_method","body":"$request_body","length":"$http_content_length",'
    '"authorization":"$http_authorization","tenant":"$http_x_tenant","verified":"$ssl_client_verify","protocol":"$ssl_protocol","status":$status}';
  access_log %[2]s/access.log seen;
  client_body_temp_path %[2]s/body;
  proxy_temp_path %[2]s/proxy;
  fastcgi_temp_path %[2]s/fastcgi;
  uwsgi_temp_path %[2]s/uwsgi;
  scgi_temp_path %[2]s/scgi;
  client_body_in_single_buffer on;
  server {
    listen %[3]s ssl;
    ssl_certificate %[4]s/server.pem;
    ssl_certificate_key %[4]s/server-key.pem;
    ssl_client_certificate %[4]s/client-ca.pem;
    ssl_protocols %[5]s;
    %[6]s
    location / {
      proxy_pass %[7]s;
      proxy_set_header X-Verified $ssl_client_verify;
    }
  }
}
`

// startNginx starts one before an application. It takes over a listener that is
// open already, as it does when it is replaced while it runs: no other process
// can get the port in between.
func startNginx(c *certificates, protocols, verify string, behind *application) *nginx {
	GinkgoHelper()
	program := needs("nginx", "nginx-light")
	n := &nginx{dir: GinkgoT().TempDir()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	n.address = l.Addr().String()
	n.url = "https://" + n.address + "/profiles"
	inherited, err := l.(*net.TCPListener).File()
	Expect(err).NotTo(HaveOccurred())
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // the folders are root's
	}
	config := fmt.Sprintf(nginxConfig, user, n.dir, n.address, c.dir, protocols, verify, behind.URL)
	Expect(os.WriteFile(filepath.Join(n.dir, "nginx.conf"), []byte(config), 0o600)).To(Succeed())

	command := exec.Command(program, "-p", n.dir, "-e", filepath.Join(n.dir, "error.log"), "-c", filepath.Join(n.dir, "nginx.conf"))
	command.ExtraFiles = []*os.File{inherited} // is 3 there
	command.Env = append(os.Environ(), "NGINX=3;")
	n.session, err = gexec.Start(command, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { n.session.Terminate().Wait(started) }) // a master that is killed leaves its worker behind
	Expect(l.Close()).To(Succeed())
	Expect(inherited.Close()).To(Succeed())
	Eventually(func() error { // the port answers before nginx does
		if n.session.ExitCode() >= 0 {
			return StopTrying("nginx ended: " + n.errors())
		}
		d := tls.Dialer{Config: &tls.Config{RootCAs: c.roots}}
		conn, err := d.Dial("tcp", n.address)
		if err != nil {
			return err
		}
		return conn.Close()
	}, started, 10*time.Millisecond).Should(Succeed(), n.errors)
	return n
}

func (n *nginx) errors() string {
	content, _ := os.ReadFile(filepath.Join(n.dir, "error.log"))
	return string(content)
}

// end lets it answer what is under way, and returns its access log.
func (n *nginx) end() []request {
	GinkgoHelper()
	n.session.Signal(syscall.SIGQUIT)
	Eventually(n.session, started).Should(gexec.Exit(0), n.errors)
	content, err := os.ReadFile(filepath.Join(n.dir, "access.log"))
	Expect(err).NotTo(HaveOccurred())
	var out []request
	for line := range strings.Lines(string(content)) {
		var q request
		Expect(json.Unmarshal([]byte(line), &q)).To(Succeed(), line)
		out = append(out, q)
	}
	return out
}
