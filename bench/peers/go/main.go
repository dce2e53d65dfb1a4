// The common site on Go's net/http, with one scheduler thread.
//
// Started as `peer-go --listen ADDR`. Not here: anything beyond the standard library.
package main

import (
	"bytes"
	"flag"
	"io"
	"log"
	"net/http"
	"runtime"
	"strconv"
)

const chunks = 1000

var (
	hello   = []byte("Hello, world!\n")
	chunk   = []byte("one piece of a streamed response")
	sized   = map[string][]byte{"/": hello, "/64k": letters(64 << 10), "/1m": letters(1 << 20)}
	discard = io.Discard
)

func letters(length int) []byte {
	return bytes.Repeat([]byte{'x'}, length)
}

func text(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	// An error means that the peer has gone, which is how every load run ends.
	_, _ = w.Write(body)
}

func serve(w http.ResponseWriter, r *http.Request) {
	switch body, found := sized[r.URL.Path]; {
	case found && r.Method == http.MethodGet:
		text(w, body)
	case r.URL.Path == "/stream":
		w.Header().Set("Content-Type", "text/plain")
		for i := 0; i < chunks; i++ {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	case r.URL.Path == "/upload" && r.Method == http.MethodPost:
		length, err := io.Copy(discard, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		text(w, []byte(strconv.FormatInt(length, 10)))
	default:
		http.NotFound(w, r)
	}
}

func main() {
	address := flag.String("listen", "", "address and port")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	log.Fatal(http.ListenAndServe(*address, http.HandlerFunc(serve)))
}
