// Sends mixed requests with Go's net/http and checks every answer:
//
//	go run go_client.go ADDR
//
// 1,000 requests, eight at a time, and then uploads over the limit, each of which must show the
// 413. net/http does not pipeline. Its transport reports a failed write only if no response comes
// within a moment, so an early refusal is seen.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/adler32"
	"io"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	requests = 1000
	tasks    = 8
	refusals = 50
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
}

func draw(random *rand.Rand) exchange {
	size := sizes[random.Intn(len(sizes))]
	count := strconv.Itoa(size)
	body := make([]byte, size)
	random.Read(body)
	switch random.Intn(12) {
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
	default:
		return exchange{kind: "small", method: "GET", path: "/", status: 200, want: hello, fields: map[string]string{"Content-Length": "6"}}
	}
}

// once hides the type of a reader, from which net/http would learn the length.
type once struct{ io.Reader }

func (e *exchange) send(client *http.Client, addr string) (*http.Response, []byte, error) {
	var body io.Reader
	if e.body != nil {
		body = once{bytes.NewReader(e.body)}
	}
	request, err := http.NewRequest(e.method, "http://"+addr+e.path, body)
	if err != nil {
		return nil, nil, err
	}
	request.ContentLength = e.length
	for name, value := range e.header {
		request.Header.Set(name, value)
	}
	request.Close = e.header["Connection"] == "close"
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	return response, received, err
}

func (e *exchange) check(client *http.Client, addr string) error {
	response, body, err := e.send(client, addr)
	if err != nil {
		return err
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
	return nil
}

func mixed(client *http.Client, addr string) error {
	var wait sync.WaitGroup
	failures := make(chan error, tasks)
	for task := 0; task < tasks; task++ {
		wait.Add(1)
		go func(seed int64) {
			defer wait.Done()
			random := rand.New(rand.NewSource(seed))
			for turn := 0; turn < requests/tasks; turn++ {
				exchange := draw(random)
				if err := exchange.check(client, addr); err != nil {
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

func refused(client *http.Client, addr string) error {
	for _, length := range []int64{tooLarge, -1} {
		for turn := 0; turn < refusals; turn++ {
			upload := exchange{method: "POST", path: "/upload", body: make([]byte, tooLarge), length: length}
			response, _, err := upload.send(client, addr)
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

func main() {
	for place := range pattern {
		pattern[place] = byte(place % 251)
	}
	start := time.Now()
	transport := &http.Transport{MaxIdleConnsPerHost: tasks, ExpectContinueTimeout: 10 * time.Second}
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	err := mixed(client, os.Args[1])
	if err == nil {
		err = refused(client, os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAILED: net/http:", err)
		os.Exit(1)
	}
	fmt.Printf("net/http: %d requests, %d refusals seen (%.1f s)\n", requests, 2*refusals, time.Since(start).Seconds())
}
