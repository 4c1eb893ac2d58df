// Command engine offers load to an HTTP API, exactly as much as it is told to, and measures exactly what comes of it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"gatebench.dev/engine/standalone"
	"gatebench.dev/engine/worker"
)

// version is that of the engine, as results show it.
const version = "0.1.0"

// misused is the exit code of a wrong command: not 2, which is what Go leaves with after a panic.
const misused = 3

const usage = `usage: engine worker     a worker of a fleet; its settings are in the environment
       engine run        a load without a master; engine run -h says how
       engine version
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == "run" {
		context.AfterFunc(ctx, stop) // a second signal ends the process at once
	}
	// Exit, not return: what is still in flight ends here.
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, complaints io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(complaints, usage)
		return misused
	}
	switch name := args[0]; {
	case name == "worker" && len(args) == 1:
		return worker.Run(ctx, version, os.LookupEnv, out)
	case name == "run":
		return standalone.Run(ctx, version, args[1:], os.LookupEnv, out, complaints)
	case name == "version" || name == "--version":
		fmt.Fprintln(out, version)
		return 0
	case name == "help" || name == "--help" || name == "-h":
		fmt.Fprint(out, usage)
		return 0
	}
	fmt.Fprint(complaints, usage)
	return misused
}
