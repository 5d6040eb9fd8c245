// Package checks holds the files of deploy against what reads them: Kubernetes' own types,
// compose's own loader, systemd, nginx, promtool, and the binary that the Dockerfile
// builds. It is a module of its own, so that the project does not carry their weight.
package checks
