package gateway

import (
	"context"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Burn uses so much CPU time. It counts this thread's own, so that waiting for a CPU does not make it cheaper.
func Burn(cost time.Duration) {
	if cost <= 0 {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	end := threadTime() + cost
	for mixed := uint64(1); threadTime() < end; {
		for range 200 {
			mixed = mixed*6364136223846793005 + 1442695040888963407
		}
		runtime.KeepAlive(mixed)
	}
}

func threadTime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		panic("reading the thread's CPU time: " + err.Error())
	}
	return time.Duration(now.Nano())
}

const leakInterval = 250 * time.Millisecond

// Leak holds ever more memory, and touches it, until the context ends. told is called with each addition in bytes.
func Leak(ctx context.Context, bytesPerMinute int64, told func(bytes int64)) {
	if bytesPerMinute <= 0 {
		return
	}
	var held [][]byte
	started, leaked := time.Now(), int64(0)
	ticker := time.NewTicker(leakInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			runtime.KeepAlive(held)
			return
		case now := <-ticker.C:
			due := int64(float64(bytesPerMinute)*now.Sub(started).Minutes()) - leaked
			if due < int64(os.Getpagesize()) {
				continue
			}
			held = append(held, touched(due))
			leaked += due
			told(due)
		}
	}
}

func touched(size int64) []byte {
	block := make([]byte, size)
	for i := 0; i < len(block); i += os.Getpagesize() {
		block[i] = 1
	}
	return block
}
