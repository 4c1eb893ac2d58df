// Command secure answers over TLS, in HTTP/1.1 and HTTP/2, and says at /counts how often it did in each.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
)

func main() {
	var mutex sync.Mutex
	counts := make(map[string]int)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mutex.Lock()
		defer mutex.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/counts" {
			_ = json.NewEncoder(w).Encode(counts)
			return
		}
		counts[r.Proto]++
		_, _ = io.WriteString(w, `{"choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}}]}`)
	})
	log.SetOutput(io.Discard) // of clients that do not trust it
	address, certificate, key := os.Args[1], os.Args[2], os.Args[3]
	if err := http.ListenAndServeTLS(address, certificate, key, nil); err != nil {
		os.Exit(1)
	}
}
