//go:build tools

// Package tools names the programs of Kubernetes that tests/cluster/assets builds. The module has no
// code of its own: it pins the versions, and go.sum their contents. Kubernetes publishes its parts
// under k8s.io/* with versions v0.X.Y, while its own go.mod points at its source tree: hence the
// replace directives, one for each published part. "go mod tidy" does not work on such a module and
// is not needed.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
