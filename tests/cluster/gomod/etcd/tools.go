//go:build tools

// Package tools names the etcd server that tests/cluster/assets builds with Go 1.26 or newer.
package tools

import _ "go.etcd.io/etcd/server/v3"
