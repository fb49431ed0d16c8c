//go:build tools

// Package tools names the etcd server that tests/cluster/assets builds with Go 1.24 and 1.25: the
// newest of its line that asks for no newer Go.
package tools

import _ "go.etcd.io/etcd/server/v3"
