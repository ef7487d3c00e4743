package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/callama/callama"
	"github.com/callama/callama/server"
)

// serveCmd is "callama serve".
type serveCmd struct {
	modelFlags
	Host  string `default:"127.0.0.1" help:"Address to listen on. 0.0.0.0 lets other machines in; there is no authentication."`
	Port  int    `default:"8080" help:"Port to listen on; 0 takes a free one."`
	Queue int    `default:"16" help:"Requests that may wait while one is answered; further ones get status 429."`
	Alias string `placeholder:"NAME" help:"Name that requests call the model by (default: the file's name without .gguf)."`
}

// Run serves until the process is told to end; then requests in flight may finish.
func (c *serveCmd) Run(a *app) (err error) {
	if c.Queue < 0 {
		return fmt.Errorf("serve: a queue of %d requests", c.Queue)
	}
	// Before the model is loaded: a port that is taken should not cost that time.
	l, err := net.Listen("tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	defer l.Close()
	model, closeModel, err := c.open(a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeModel()) }()

	config := server.Config{Model: c.Alias, Fingerprint: c.fingerprint(model), Queue: c.Queue, Log: a.log}
	if config.Model == "" {
		config.Model = model.Name()
	}
	if config.Queue == 0 {
		config.Queue = -1 // a zero Config means the default, a zero flag none
	}
	if info, err := os.Stat(c.Model); err == nil {
		config.Created = info.ModTime()
	}
	url := listenURL(l.Addr())
	fmt.Fprintf(a.stdout, "%s at %s/v1 (Ctrl-C ends it)\ntry:\n  curl %s/v1/chat/completions -H 'Content-Type: application/json' \\\n"+
		"    -d '{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"max_tokens\":50}'\n", config.Model, url, url)
	return server.New(model, config).Serve(a.ctx, l)
}

// listenURL is where a client on this machine finds the server.
func listenURL(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return "http://localhost:" + strconv.Itoa(tcp.Port)
	}
	return "http://" + addr.String()
}

// fingerprint changes with whatever changes the tokens that a seed gives: the model, its
// template and adapters, the runtime and where the layers are computed. Files count by name,
// size and time: reading gigabytes at each start would be the price of their contents.
func (c *serveCmd) fingerprint(model *callama.Model) string {
	h := sha256.New()
	fmt.Fprintln(h, c.Model, c.Adapter, c.Dialect)
	for _, path := range append(c.opened, c.ChatTemplate) {
		fmt.Fprintln(h, path)
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(h, info.Size(), info.ModTime().UnixNano())
		}
	}
	plan := model.Engine().Plan()
	fmt.Fprintln(h, model.Engine().Runtime().Name(), plan.Device, plan.GPULayers, plan.Threads, plan.Batch)
	return "fp_" + hex.EncodeToString(h.Sum(nil)[:6])
}
