// A CoreDNS that answers for one test cluster, and nothing else: of its plugins only those that the
// Corefile of tests/e2e/up names, which makes the build a tenth of the full one.
package main

import (
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() { coremain.Run() }
