module workerpool.test/coredns

go 1.24.0

require github.com/coredns/coredns v1.12.4

// The version of the other programs, so that their packages are compiled once for all.
replace (
	k8s.io/api => k8s.io/api v0.34.4
	k8s.io/apimachinery => k8s.io/apimachinery v0.34.4
	k8s.io/client-go => k8s.io/client-go v0.34.4
)
