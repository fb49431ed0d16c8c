//go:build tools

// Package tools names the program that tests/cluster/assets builds; the module pins its version.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
