module gatebench.dev/bench/server

go 1.26.0

require (
	gatebench.dev/mock v0.0.0
	github.com/valyala/fasthttp v1.78.0
	golang.org/x/sys v0.50.0
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/molecule-man/go-brrr v1.3.1 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
)

replace gatebench.dev/mock => ../../../loadtest-images/mock
