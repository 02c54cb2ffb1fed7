// Package packaging has no code but its tests. They run what a stranger meets
// first and the other tests never touch: the GitHub action, the GitLab template,
// the workflow, and go install of this module.
package packaging
