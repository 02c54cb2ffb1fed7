package packaging

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const root = "../.."

// parse reads a YAML file of the repository.
func parse(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// binary builds httpdest once for all tests.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(work, "httpdest")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	build := exec.Command("go", "build", "-trimpath", "-o", path, "./cmd/httpdest")
	build.Dir = root
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return path
}

// shell runs lines as a CI system does, and returns the exit status and all that
// was printed.
func shell(t *testing.T, dir, script string, env ...string) (int, string) {
	t.Helper()
	c := exec.Command("bash", "-e", "-o", "pipefail", "-c", script)
	c.Dir = dir
	c.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String()
}

const passing = `title: An entry is exported
rules: [trig-enter]
audiences: {delorean: {}}
dataflow: {audiences: [delorean], attributes: [person.name.firstName]}
profiles: {doc: {attributes: {person: {name: {firstName: Emmett}}}}}
history: [{at: 1h, profile: doc, qualify: delorean}]
expect: [{profile: doc, because: audience}]
`

// scenarioIn writes a scenario that passes, or one whose expectation is wrong.
func scenarioIn(t *testing.T, dir string, fails bool) {
	t.Helper()
	text := passing
	if fails {
		text = strings.Replace(text, "because: audience", "because: attribute", 1)
	}
	if err := os.WriteFile(filepath.Join(dir, "enter.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The action runs its command, writes summary and outputs where GitHub reads
// them, and fails the job with the exit status.
func TestAction(t *testing.T) {
	var action struct {
		Inputs  map[string]struct{ Default string }
		Outputs map[string]struct{ Value string }
		Runs    struct {
			Steps []struct {
				ID, Run string
				Env     map[string]string
			}
		}
	}
	parse(t, "action.yml", &action)
	step := action.Runs.Steps[len(action.Runs.Steps)-1]
	source, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, arguments string
		fails           bool
		status          int
		verdict         string
		says            string
	}{
		{"pass", "run enter.yaml", false, 0, "pass", "verdict: pass"},
		{"fail", "run\nenter.yaml", true, 1, "fail", "::error file=enter.yaml"},
		{"usage", "run no-such-file.yaml", false, 2, "", "no-such-file.yaml"},
		{"words are not evaluated", "run $(touch evil) enter.yaml;touch", false, 2, "", "$(touch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			scenarioIn(t, dir, c.fails)
			replace := strings.NewReplacer("${{ inputs.arguments }}", c.arguments, "${{ inputs.out }}", action.Inputs["out"].Default,
				"${{ inputs.binary }}", binary(t), "${{ github.action_path }}", source)
			summary, outputs := filepath.Join(dir, "summary"), filepath.Join(dir, "outputs")
			env := []string{"GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY=" + summary, "GITHUB_OUTPUT=" + outputs}
			for name, value := range step.Env {
				env = append(env, name+"="+replace.Replace(value))
			}
			status, said := shell(t, dir, step.Run, env...)
			if status != c.status || !strings.Contains(said, c.says) {
				t.Errorf("exit status %d; want %d and %q in: %s", status, c.status, c.says, said)
			}
			if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
				t.Error("an argument was evaluated")
			}
			wrote := read(t, outputs)
			for name, output := range action.Outputs {
				if !strings.Contains(output.Value, "steps."+step.ID+".outputs."+name+" ") || !strings.Contains(wrote, name+"=") {
					t.Errorf("output %s: %s is not in %q", name, output.Value, wrote)
				}
			}
			if !strings.Contains(wrote, "verdict="+c.verdict+"\n") {
				t.Errorf("outputs %q; want the verdict %q", wrote, c.verdict)
			}
			if c.verdict != "" && !strings.Contains(read(t, summary), "enter") {
				t.Errorf("the summary does not name the case: %s", read(t, summary))
			}
		})
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The GitLab template installs httpdest with go install, fails with its exit
// status, and its artifacts exist afterwards in both cases.
func TestGitLabTemplate(t *testing.T) {
	var template map[string]struct {
		Variables    map[string]string
		BeforeScript []string `yaml:"before_script"`
		Script       []string
		Artifacts    struct {
			When    string
			Paths   []string
			Reports map[string]string
		}
	}
	parse(t, "examples/gitlab/httpdest.yml", &template)
	job := template[".httpdest"]
	if job.Artifacts.When != "always" || job.Artifacts.Reports["junit"] == "" {
		t.Fatalf("artifacts %+v; want a JUnit report, also of a failure", job.Artifacts)
	}
	env := freshUser(t)
	for name, value := range job.Variables {
		env = append(env, name+"="+value)
	}
	env = append(env, "HTTPDEST_ARGUMENTS=run enter.yaml")
	script := strings.Join(slices.Concat(job.BeforeScript, job.Script), "\n")
	for name, fails := range map[string]bool{"pass": false, "fail": true} {
		dir := t.TempDir()
		scenarioIn(t, dir, fails)
		status, said := shell(t, dir, script, env...)
		if want := map[bool]int{false: 0, true: 1}[fails]; status != want {
			t.Fatalf("%s: exit status %d; want %d: %s", name, status, want, said)
		}
		if junit := read(t, filepath.Join(dir, job.Artifacts.Reports["junit"])); !strings.Contains(junit, "<testcase") {
			t.Errorf("%s: no test case in %s", name, junit)
		}
		for _, path := range job.Artifacts.Paths {
			if _, err := os.Stat(filepath.Join(dir, path)); err != nil {
				t.Error(err)
			}
		}
	}
}

// The workflow on GitHub has every stage of .ci/run and no other, and all of
// them are targets of make.
func TestWorkflow(t *testing.T) {
	var workflow struct {
		Jobs map[string]struct {
			Strategy struct {
				Matrix struct {
					Stage   []string
					Include []struct{ Stage, Part string }
				}
			}
		}
	}
	parse(t, ".github/workflows/ci.yml", &workflow)
	var here, there []string
	for _, m := range regexp.MustCompile(`(?m)^(?:[A-Z]+=[0-9]+ )*play ([a-z-]+)`).FindAllStringSubmatch(read(t, root+"/.ci/run"), -1) {
		here = append(here, m[1])
	}
	matrix := workflow.Jobs["stage"].Strategy.Matrix
	there = append(there, matrix.Stage...)
	for _, i := range matrix.Include {
		if !slices.Contains(there, i.Stage) {
			there = append(there, i.Stage)
		}
	}
	slices.Sort(here)
	slices.Sort(there)
	if !slices.Equal(here, there) || len(here) < 10 {
		t.Errorf(".ci/run has the stages %v, .github/workflows/ci.yml %v", here, there)
	}
	makefile := read(t, root+"/Makefile")
	for _, stage := range there {
		if !strings.Contains(makefile, "\n"+stage+": ") {
			t.Errorf("no target %s in the Makefile", stage)
		}
	}
}

// Each form for an issue can be shown: GitHub drops one with a mistake in silence.
func TestIssueForms(t *testing.T) {
	forms, err := filepath.Glob(root + "/.github/ISSUE_TEMPLATE/*.yml")
	if err != nil || len(forms) < 3 {
		t.Fatalf("forms %v, %v; want two and config.yml", forms, err)
	}
	for _, path := range forms {
		if filepath.Base(path) == "config.yml" {
			continue
		}
		var form struct {
			Name, Description string
			Body              []struct {
				Type, ID   string
				Attributes struct{ Label string }
			}
		}
		parse(t, strings.TrimPrefix(path, root+"/"), &form)
		if form.Name == "" || form.Description == "" || len(form.Body) == 0 {
			t.Errorf("%s needs a name, a description and a body", path)
		}
		ids := map[string]bool{}
		for _, field := range form.Body {
			if !slices.Contains([]string{"input", "textarea", "dropdown", "checkboxes", "markdown"}, field.Type) || field.Attributes.Label == "" || ids[field.ID] {
				t.Errorf("%s: the field %q needs a known type, a label and an id of its own", path, field.ID)
			}
			ids[field.ID] = true
		}
	}
}
