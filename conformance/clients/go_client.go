// Sends mixed requests with Go's net/http and checks every answer:
//
//	go run go_client.go URL VERSION
//
// 1,000 requests, eight at a time, then uploads over the limit, each of which must show the 413, and
// responses that are given up. net/http does not pipeline. Its transport reports a failed write only
// if no response comes within a moment, so an early refusal is seen. Over TLS it agrees on HTTP/2 by
// itself; without, that is x/net/http2's. The authority to trust is in the file that
// WHARF_CLIENTS_CA names.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"hash/adler32"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

const (
	requests = 1000
	tasks    = 8
	refusals = 50
	cancels  = 20
	endless  = "/stream?pieces=1000000&bytes=1000"
	limit    = 1 << 20
	tooLarge = 5 << 20
)

var (
	sizes   = []int{0, 1, 100, 1460, 4096, 16384, 65535, 65536, 65537, 200_000, limit}
	pattern = make([]byte, 2<<20)
	hello   = []byte("hello\n")
)

// exchange is one request and the answer that it must have. A length of -1 sends the body chunked.
type exchange struct {
	kind, method, path string
	body               []byte
	length             int64
	header             map[string]string
	status             int
	want               []byte
	fields             map[string]string
	trailers           map[string]string
	sendsTrailers      bool
}

func draw(random *rand.Rand) exchange {
	size := sizes[random.Intn(len(sizes))]
	count := strconv.Itoa(size)
	body := make([]byte, size)
	random.Read(body)
	switch random.Intn(16) {
	case 0:
		fields := map[string]string{"X-Count": count, "Content-Length": count}
		return exchange{kind: "head", method: "HEAD", path: "/bytes?count=" + count, status: 200, fields: fields}
	case 1:
		fields := map[string]string{"X-Count": count}
		return exchange{kind: "bytes", method: "GET", path: "/bytes?count=" + count, status: 200, want: pattern[:size], fields: fields}
	case 2:
		pieces, piece := random.Intn(100), random.Intn(10_000)
		path := fmt.Sprintf("/stream?pieces=%d&bytes=%d", pieces, piece)
		return exchange{kind: "stream", method: "GET", path: path, status: 200, want: pattern[:pieces*piece]}
	case 3:
		status := []int{204, 304}[random.Intn(2)]
		return exchange{kind: "empty", method: "GET", path: fmt.Sprintf("/status/%d", status), status: status, fields: map[string]string{"Etag": `"fixed"`}}
	case 4:
		return exchange{kind: "echo", method: "POST", path: "/echo", body: body, length: int64(size), status: 200, want: body}
	case 5:
		want := []byte(fmt.Sprintf("%d %08x\n", size, adler32.Checksum(body)))
		return exchange{kind: "upload", method: "PUT", path: "/upload", body: body, length: int64(size), status: 200, want: want}
	case 6:
		return exchange{kind: "chunked", method: "POST", path: "/echo", body: body, length: -1, status: 200, want: body}
	case 7:
		header := map[string]string{"Expect": "100-continue"}
		return exchange{kind: "expect", method: "POST", path: "/echo", body: body, length: int64(size), header: header, status: 200, want: body}
	case 8:
		header := map[string]string{"Connection": "close"}
		return exchange{kind: "close", method: "GET", path: "/", header: header, status: 200, want: hello}
	case 9:
		return exchange{kind: "large", method: "GET", path: "/bytes?count=2097152", status: 200, want: pattern}
	case 10:
		return exchange{kind: "missing", method: "GET", path: "/missing", status: 404, want: []byte("404 Not Found\n")}
	case 11:
		pieces, piece := random.Intn(10), random.Intn(10_000)
		want := pattern[:pieces*piece]
		path := fmt.Sprintf("/trailers?pieces=%d&bytes=%d", pieces, piece)
		trailers := map[string]string{"X-Checksum": fmt.Sprintf("%08x", adler32.Checksum(want))}
		return exchange{kind: "trailers", method: "GET", path: path, status: 200, want: want, trailers: trailers}
	case 12:
		trailers := map[string]string{"X-Checksum": count}
		return exchange{kind: "trailers up", method: "POST", path: "/echo", body: body, length: -1, status: 200, want: body, trailers: trailers, sendsTrailers: true}
	case 13:
		came, sent := random.Intn(15_000), random.Intn(7_000)
		header := map[string]string{"X-Large": strings.Repeat("x", came)}
		fields := map[string]string{"X-Large": strings.Repeat("x", sent)}
		path := fmt.Sprintf("/fields?bytes=%d", sent)
		return exchange{kind: "fields", method: "GET", path: path, header: header, status: 200, want: []byte(fmt.Sprintf("%d\n", came)), fields: fields}
	case 14:
		return exchange{kind: "early", method: "POST", path: "/early", body: body, length: int64(size), status: 403, want: []byte("not wanted\n")}
	default:
		return exchange{kind: "small", method: "GET", path: "/", status: 200, want: hello, fields: map[string]string{"Content-Length": "6"}}
	}
}

// once hides the type of a reader, from which net/http would learn the length.
type once struct{ io.Reader }

func (e *exchange) send(client *http.Client, url string) (*http.Response, []byte, error) {
	var body io.Reader
	if e.body != nil {
		body = once{bytes.NewReader(e.body)}
	}
	request, err := http.NewRequest(e.method, url+e.path, body)
	if err != nil {
		return nil, nil, err
	}
	request.ContentLength = e.length
	for name, value := range e.header {
		request.Header.Set(name, value)
	}
	request.Close = e.header["Connection"] == "close"
	if e.sendsTrailers {
		request.Trailer = http.Header{}
		for name, value := range e.trailers {
			request.Trailer.Set(name, value)
		}
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	return response, received, err
}

func (e *exchange) check(client *http.Client, url string, major int) error {
	response, body, err := e.send(client, url)
	if err != nil {
		return err
	}
	if response.ProtoMajor != major {
		return fmt.Errorf("%s was spoken", response.Proto)
	}
	if response.StatusCode != e.status {
		return fmt.Errorf("status %d, not %d", response.StatusCode, e.status)
	}
	if sha256.Sum256(body) != sha256.Sum256(e.want) {
		return fmt.Errorf("%d other bytes than the %d right ones", len(body), len(e.want))
	}
	if response.Header.Get("Date") == "" {
		return fmt.Errorf("no date")
	}
	for name, value := range e.fields {
		if found := response.Header.Get(name); found != value {
			return fmt.Errorf("%s is %q, not %q", name, found, value)
		}
	}
	for name, value := range e.trailers {
		if found := response.Trailer.Get(name); found != value {
			return fmt.Errorf("trailer %s is %q, not %q", name, found, value)
		}
	}
	return nil
}

func mixed(client *http.Client, url string, major int) error {
	var wait sync.WaitGroup
	failures := make(chan error, tasks)
	for task := 0; task < tasks; task++ {
		wait.Add(1)
		go func(seed int64) {
			defer wait.Done()
			random := rand.New(rand.NewSource(seed))
			for turn := 0; turn < requests/tasks; turn++ {
				exchange := draw(random)
			for exchange.kind == "close" && major == 2 {
				// It would close the connection of all.
				exchange = draw(random)
			}
				if err := exchange.check(client, url, major); err != nil {
					failures <- fmt.Errorf("seed %d: %s: %s %s: %w", seed, exchange.kind, exchange.method, exchange.path, err)
					return
				}
			}
		}(int64(task))
	}
	wait.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return nil
	}
}

func refused(client *http.Client, url string) error {
	for _, length := range []int64{tooLarge, -1} {
		for turn := 0; turn < refusals; turn++ {
			upload := exchange{method: "POST", path: "/upload", body: make([]byte, tooLarge), length: length}
			response, _, err := upload.send(client, url)
			if err != nil {
				return fmt.Errorf("refusal %d, length %d: %w", turn, length, err)
			}
			if response.StatusCode != http.StatusRequestEntityTooLarge {
				return fmt.Errorf("refusal %d, length %d: %s", turn, length, response.Status)
			}
		}
	}
	return nil
}

// givenUp ends requests while their responses come, and sees that others are answered.
func givenUp(client *http.Client, url string) error {
	for turn := 0; turn < cancels; turn++ {
		ctx, cancel := context.WithCancel(context.Background())
		request, err := http.NewRequestWithContext(ctx, "GET", url+endless, nil)
		if err != nil {
			cancel()
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			cancel()
			return fmt.Errorf("given up %d: %w", turn, err)
		}
		begin := make([]byte, 5000)
		_, err = io.ReadFull(response.Body, begin)
		cancel()
		response.Body.Close()
		if err != nil || !bytes.Equal(begin, pattern[:len(begin)]) {
			return fmt.Errorf("given up %d: no response: %v", turn, err)
		}
		small := exchange{method: "GET", path: "/", status: 200, want: hello}
		if err := small.check(client, url, response.ProtoMajor); err != nil {
			return fmt.Errorf("behind what was given up: %w", err)
		}
	}
	return nil
}

// transport speaks the version over the connections of the URL.
func transport(url, version string) (http.RoundTripper, error) {
	isSecure := strings.HasPrefix(url, "https:")
	if version == "2" && !isSecure {
		dial := func(network, addr string, _ *tls.Config) (net.Conn, error) { return net.Dial(network, addr) }
		return &http2.Transport{AllowHTTP: true, DialTLS: dial}, nil
	}
	known := &http.Transport{MaxIdleConnsPerHost: tasks, ExpectContinueTimeout: 10 * time.Second}
	if isSecure {
		authority, err := os.ReadFile(os.Getenv("WHARF_CLIENTS_CA"))
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(authority)
		known.TLSClientConfig = &tls.Config{RootCAs: roots}
		known.ForceAttemptHTTP2 = version == "2"
	}
	return known, nil
}

func run(url, version string) error {
	known, err := transport(url, version)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: known, Timeout: 30 * time.Second}
	if err := mixed(client, url, int(version[0]-'0')); err != nil {
		return err
	}
	if err := refused(client, url); err != nil {
		return err
	}
	return givenUp(client, url)
}

func main() {
	for place := range pattern {
		pattern[place] = byte(place % 251)
	}
	start := time.Now()
	url, version := os.Args[1], os.Args[2]
	way := "HTTP/" + version
	if strings.HasPrefix(url, "https:") {
		way += " over TLS"
	}
	if err := run(url, version); err != nil {
		fmt.Fprintf(os.Stderr, "FAILED: net/http, %s: %v\n", way, err)
		os.Exit(1)
	}
	seen := fmt.Sprintf("%d requests, %d refusals seen, %d given up", requests, 2*refusals, cancels)
	fmt.Printf("net/http, %s: %s (%.1f s)\n", way, seen, time.Since(start).Seconds())
}
