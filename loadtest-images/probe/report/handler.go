package report

import (
	"compress/gzip"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"gatebench.dev/probe/sampler"
)

// Handler serves GET /v1/report to bearers of the token, and GET /healthz to everybody.
func Handler(s *sampler.Sampler, token string) http.Handler {
	wanted := sha256.Sum256([]byte(token))
	var one sync.Mutex // a report at a time: each needs memory
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /v1/report", func(w http.ResponseWriter, r *http.Request) {
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		// Hashes are compared: in constant time, and without telling the token's length.
		hash := sha256.Sum256([]byte(given))
		if subtle.ConstantTimeCompare(hash[:], wanted[:]) != 1 || !bearer {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "the run's token is needed: Authorization: Bearer TOKEN")
			return
		}
		from, to, problem := window(r.URL.Query().Get("from"), r.URL.Query().Get("to"))
		if problem != "" {
			refuse(w, http.StatusBadRequest, problem)
			return
		}
		one.Lock()
		defer one.Unlock()
		send(w, r, s, from, to)
	})
	return mux
}

func send(w http.ResponseWriter, r *http.Request, s *sampler.Sampler, from, to float64) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return
	}
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		_ = write(w, s, time.Now(), from, to)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	// The probe has a twentieth of a CPU: fast rather than small.
	packed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		panic(err)
	}
	if write(packed, s, time.Now(), from, to) == nil {
		_ = packed.Close()
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	j := &jsonWriter{w: w}
	j.open('{')
	j.key("error").text(message)
	j.close('}')
	j.flush()
}
