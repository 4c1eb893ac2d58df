module gatebench.dev/engine

go 1.26.0

require (
	github.com/valyala/fastjson v1.6.10
	golang.org/x/sys v0.50.0
)
