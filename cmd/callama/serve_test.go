package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/callama/callama/engine/runtimes"
)

func TestServe(t *testing.T) {
	if _, err := runtimes.Find(""); err != nil {
		t.Skipf("no llama.cpp here: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	c := serveCmd{modelFlags: modelFlags{Threads: 1, GPULayers: "none"}, Host: "127.0.0.1", Alias: "noise"}
	done := make(chan error, 1)
	go func() {
		err := c.Run(&app{ctx: ctx, stdout: in, stderr: io.Discard, log: slog.New(slog.DiscardHandler)})
		in.CloseWithError(io.EOF)
		done <- err
	}()
	lines := bufio.NewScanner(out)
	lines.Scan()
	found := regexp.MustCompile(`^noise at (http://127\.0\.0\.1:\d+)/v1 `).FindStringSubmatch(lines.Text())
	if found == nil {
		t.Fatalf("it says %q (%v)", lines.Text(), <-done)
	}
	go io.Copy(io.Discard, out)
	for _, path := range []string{"/health", "/v1/models/noise"} {
		res, err := http.Get(found[1] + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestServeRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	tests := []struct {
		name, args, want string
		code             int
	}{
		{"a port in use", fmt.Sprintf("--port=%d", port), "address already in use", exitFailed},
		{"no such port", "--port=99999", "invalid port", exitFailed},
		{"a negative queue", "--port=0 --queue=-1", "a queue of -1 requests", exitFailed},
		{"no such model", "--port=0 -m nowhere.gguf", "nowhere.gguf", exitFailed},
		{"a scale that is no number", "--port=0 --adapter=a.gguf=much", "scale", exitFailed},
		{"an unknown flag", "--prot=1", "unknown flag", exitUsage},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stderr strings.Builder
			code := run(append([]string{"serve"}, strings.Fields(test.args)...), strings.NewReader(""), io.Discard, &stderr)
			if code != test.code || !strings.Contains(stderr.String(), test.want) {
				t.Errorf("exit code %d: %s", code, stderr.String())
			}
		})
	}
}

func TestListenURL(t *testing.T) {
	for want, addr := range map[string]net.Addr{
		"http://127.0.0.1:80": &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80},
		"http://localhost:80": &net.TCPAddr{IP: net.IPv4zero, Port: 80},
		"http://[::1]:80":     &net.TCPAddr{IP: net.IPv6loopback, Port: 80},
	} {
		if got := listenURL(addr); got != want {
			t.Errorf("%v: %s, want %s", addr, got, want)
		}
	}
}
