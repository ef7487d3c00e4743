package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/callama/callama/cuda"
	"github.com/callama/callama/engine"
	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
)

// runtimeCmd holds the commands about the llama.cpp libraries.
type runtimeCmd struct {
	Install runtimeInstallCmd `cmd:"" help:"Install the llama.cpp libraries for this machine."`
	List    runtimeListCmd    `cmd:"" help:"List the installed libraries and those that can be."`
	Info    runtimeInfoCmd    `cmd:"" help:"Show the library in use, the devices and their memory."`
}

// runtimeInstallCmd is "callama runtime install".
type runtimeInstallCmd struct {
	Variant string   `placeholder:"NAME" help:"Variant to install instead of the best for this machine: a name from 'callama runtime list', or cpu, cuda, cuda12, vulkan."`
	From    []string `placeholder:"PATH" sep:"none" help:"Take the libraries from package files (which are verified; repeat for a variant of two) or from a folder with libllama, instead of fetching them with npm."`
	Force   bool     `help:"Install again what is there."`
}

// Run installs; interrupted, it leaves nothing behind.
func (c *runtimeInstallCmd) Run(a *app) error {
	bar := a.installProgress()
	got, err := runtimes.Install(a.ctx, runtimes.Options{
		Variant: c.Variant, From: c.From, Force: c.Force, Progress: bar.report,
	})
	bar.finish()
	if err != nil {
		return err
	}
	for _, note := range got.Notes {
		fmt.Fprintln(a.stderr, "note:", note)
	}
	done := "installed"
	if got.Present {
		done = "already installed"
	}
	fmt.Fprintf(a.stdout, "%s is %s: %s\n", got.Runtime.Name(), done, got.Runtime.Library)
	return nil
}

// installBar draws an installation's progress on a terminal, one bar after the other. Its
// zero value draws nothing.
type installBar struct {
	out  *os.File
	last runtimes.Progress
	bar  *progressbar.ProgressBar
}

func (a *app) installProgress() *installBar {
	if f, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &installBar{out: f}
	}
	return &installBar{}
}

func (b *installBar) report(p runtimes.Progress) {
	if b.out == nil {
		return
	}
	if p.Stage != b.last.Stage || p.What != b.last.What {
		b.finish()
		what := fmt.Sprintf("%s %s", p.Stage, p.What)
		total := p.Total
		if p.Stage == runtimes.Fetching { // npm does not say how far it is: a turning wheel
			what, total = fmt.Sprintf("%s (%s)", what, formatBytes(p.Total)), -1
		}
		b.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(b.out), progressbar.OptionSetDescription(what),
			progressbar.OptionShowBytes(total > 0), progressbar.OptionUseIECUnits(true),
			progressbar.OptionSetRenderBlankState(true), progressbar.OptionSpinnerType(14),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	b.last = p
	if p.Stage != runtimes.Fetching {
		_ = b.bar.Set64(p.Done) // drawing may fail; the work goes on
	}
}

// finish ends the current bar and clears its line.
func (b *installBar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish()
		b.bar = nil
	}
}

// runtimeListCmd is "callama runtime list".
type runtimeListCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// knownVariant is one line of the list.
type knownVariant struct {
	Variant string           `json:"variant"`
	Version string           `json:"version"`
	System  string           `json:"system"`
	Backend runtimes.Backend `json:"backend"`
	// DownloadBytes is 0 where the package's checksum is not pinned and it cannot be fetched.
	DownloadBytes int64  `json:"download_bytes"`
	Installed     bool   `json:"installed"`
	Dir           string `json:"dir,omitempty"`
	Warning       string `json:"warning,omitempty"`
}

// Run lists what is installed and what the table knows.
func (c *runtimeListCmd) Run(a *app) error {
	installed, err := runtimes.List("")
	if err != nil {
		return err
	}
	lines := []knownVariant{}
	known := make(map[string]int)
	for _, v := range runtimes.Variants() {
		known[v.Name+"-"+v.Packages[0].Version] = len(lines)
		lines = append(lines, knownVariant{Variant: v.Name, Version: v.Packages[0].Version,
			System: v.OS + "/" + v.Arch, Backend: v.Backend, DownloadBytes: v.Bytes()})
	}
	for _, r := range installed {
		i, ok := known[r.Name()]
		if !ok {
			i = len(lines)
			lines = append(lines, knownVariant{Variant: r.Variant, Version: r.Version, Backend: r.Backend})
		}
		lines[i].Installed, lines[i].Dir, lines[i].Warning = true, r.Dir, r.Warning
	}
	if c.JSON {
		return printJSON(a, lines)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VARIANT\tVERSION\tSYSTEM\tBACKEND\tDOWNLOAD\tINSTALLED")
	for _, l := range lines {
		size, state := "-", "no"
		if l.DownloadBytes > 0 {
			size = formatBytes(l.DownloadBytes)
		}
		if l.Installed {
			state = l.Dir
		}
		if l.Warning != "" {
			state += " (" + l.Warning + ")"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Variant, l.Version, l.System, l.Backend, size, state)
	}
	return w.Flush()
}

// runtimeInfoCmd is "callama runtime info".
type runtimeInfoCmd struct {
	Runtime string `placeholder:"PATH" help:"Library, folder or installed variant to look at instead of the one in use."`
	Model   string `short:"m" type:"existingfile" placeholder:"FILE" help:"Show how this model's layers would be placed as well."`
	Context int    `default:"0" placeholder:"TOKENS" help:"Context length for that."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// runtimeInfo is what "runtime info --json" prints. Sizes are in bytes.
type runtimeInfo struct {
	Runtime *runtimes.Runtime `json:"runtime"`
	// Problem says why there is no runtime, or why it does not load.
	Problem    string        `json:"problem,omitempty"`
	Version    string        `json:"llama_cpp,omitempty"`
	ABI        string        `json:"abi,omitempty"`
	SystemInfo string        `json:"system_info,omitempty"`
	Devices    []deviceInfo  `json:"devices"` // as llama.cpp sees them
	Driver     cuda.Driver   `json:"cuda_driver"`
	CUDA       []cuda.Device `json:"cuda_devices"`
	CUDAError  string        `json:"cuda_error,omitempty"`
	Best       string        `json:"best_variant,omitempty"`
	Notes      []string      `json:"notes,omitempty"`
	Placement  *placement    `json:"placement,omitempty"` // of the model that was named
}

// placement says where a model's layers go. Sizes are in bytes.
type placement struct {
	Layers    int    `json:"layers"`
	Offloaded int    `json:"offloaded"`        // of them, on Device
	Device    string `json:"device,omitempty"` // the GPU with most room
	Context   int    `json:"context"`          // tokens
	// LayerBytes is what the largest layer needs with its part of the KV cache, FixedBytes
	// what the device holds beside the layers, TotalBytes what the whole model needs.
	LayerBytes int64 `json:"layer_bytes"`
	FixedBytes int64 `json:"fixed_bytes"`
	TotalBytes int64 `json:"total_bytes"`
}

// deviceInfo is one of llama.cpp's devices.
type deviceInfo struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"`
	TotalBytes  uint64 `json:"total_bytes"`
	FreeBytes   uint64 `json:"free_bytes"`
	// LayerBytes is what layers may use of a GPU's free memory; the rest is headroom.
	LayerBytes uint64 `json:"layer_bytes"`
}

// Run shows the runtime. A machine without one is shown as well, and is a failure.
func (c *runtimeInfoCmd) Run(a *app) error {
	info, err := c.inspect(a)
	if c.JSON {
		if jsonErr := printJSON(a, info); jsonErr != nil {
			return jsonErr
		}
		return err
	}
	info.print(a)
	return err
}

// inspect collects the facts; the error is that of the runtime, and the facts are there
// nonetheless.
func (c *runtimeInfoCmd) inspect(a *app) (runtimeInfo, error) {
	m := runtimes.Inspect()
	info := runtimeInfo{Driver: m.Driver, CUDA: m.Devices, Devices: []deviceInfo{}}
	if info.CUDA == nil {
		info.CUDA = []cuda.Device{}
	}
	if m.DriverErr != nil {
		info.CUDAError = m.DriverErr.Error()
	}
	if best, notes, err := runtimes.Choose(m); err == nil {
		info.Best, info.Notes = best.Name, notes
	}
	found, err := runtimes.Find(c.Runtime)
	if err != nil {
		info.Problem = err.Error()
		return info, err
	}
	info.Runtime = &found
	lib, err := llama.Load(found.Library, llama.LoadOptions{Logger: a.log})
	if err != nil {
		info.Problem = err.Error()
		return info, err
	}
	info.Version, info.ABI, info.SystemInfo = lib.Version(), lib.ABI(), lib.SystemInfo()
	for _, d := range lib.Devices() {
		out := deviceInfo{Name: d.Name, Description: d.Description, Type: d.Type.String(), TotalBytes: d.MemTotal, FreeBytes: d.MemFree}
		if (d.Type == llama.DeviceGPU || d.Type == llama.DeviceIntegratedGPU) && d.MemFree > cuda.Headroom {
			out.LayerBytes = d.MemFree - cuda.Headroom
		}
		info.Devices = append(info.Devices, out)
	}
	if c.Model == "" {
		return info, nil
	}
	info.Placement, err = c.place(info.Devices)
	return info, err
}

// place plans for the device with most room, as the engine does.
func (c *runtimeInfoCmd) place(devices []deviceInfo) (*placement, error) {
	f, err := gguf.Open(c.Model)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	context := c.Context
	if context == 0 {
		context = engine.DefaultContext
	}
	est, err := f.Estimate(context, engine.DefaultBatch)
	if err != nil {
		return nil, err
	}
	p := &placement{Layers: len(est.Layers), Context: est.Context, LayerBytes: est.LargestLayer(), FixedBytes: est.DeviceFixed(), TotalBytes: est.Total()}
	var room uint64
	for _, d := range devices {
		if d.LayerBytes > room {
			room = d.LayerBytes
			p.Device = d.Name
			p.Offloaded = cuda.LayersThatFit(d.FreeBytes, uint64(p.LayerBytes), uint64(p.FixedBytes), p.Layers)
		}
	}
	return p, nil
}

// print writes the facts for a person.
func (i runtimeInfo) print(a *app) {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	line := func(key, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", key, fmt.Sprintf(format, args...)) }
	if r := i.Runtime; r != nil {
		line("library", "%s", r.Library)
		line("found by", "%s", r.Source)
		if r.Variant != "" {
			line("variant", "%s", r.Name())
		}
		line("backend", "%s", r.Backend)
		if r.Warning != "" {
			line("warning", "%s", r.Warning)
		}
	} else {
		line("library", "none")
	}
	if i.Version != "" {
		line("llama.cpp", "%s (parameters as in %s)", i.Version, i.ABI)
		line("features", "%s", strings.Join(strings.Fields(i.SystemInfo), " "))
	}
	for _, d := range i.Devices {
		line("device", "%s", d.text())
	}
	line("CUDA driver", "%s", i.driverText())
	for _, d := range i.CUDA {
		line("CUDA device", "%d: %s, compute capability %s, %s of %s free", d.Index, d.Name, d.Capability,
			formatBytes(int64(d.FreeBytes)), formatBytes(int64(d.TotalBytes)))
	}
	if i.Best != "" {
		line("best variant", "%s", i.Best)
	}
	for _, n := range i.Notes {
		line("note", "%s", n)
	}
	if p := i.Placement; p != nil {
		line("model", "%s", p.text())
	}
}

func (p placement) text() string {
	where := "all on the CPU"
	if p.Device != "" {
		where = fmt.Sprintf("%d of them on %s", p.Offloaded, p.Device)
	}
	return fmt.Sprintf("%d layers of up to %s, %s in all at a context of %d tokens; %s",
		p.Layers, formatBytes(p.LayerBytes), formatBytes(p.TotalBytes), p.Context, where)
}

// text describes a device and how layers are placed on it.
func (d deviceInfo) text() string {
	s := fmt.Sprintf("%s (%s): %s", d.Name, d.Type, d.Description)
	if d.TotalBytes > 0 {
		s += fmt.Sprintf(", %s of %s free", formatBytes(int64(d.FreeBytes)), formatBytes(int64(d.TotalBytes)))
	}
	if d.LayerBytes > 0 {
		s += fmt.Sprintf("; layers are placed here while they fit in %s", formatBytes(int64(d.LayerBytes)))
	}
	return s
}

func (i runtimeInfo) driverText() string {
	switch {
	case i.CUDAError != "":
		return i.CUDAError
	case i.Driver.CUDA == (cuda.Version{}):
		return "none"
	case i.Driver.Release == "":
		return "supports CUDA " + i.Driver.CUDA.String()
	}
	return fmt.Sprintf("%s, supports CUDA %s", i.Driver.Release, i.Driver.CUDA)
}

// printJSON prints v as indented JSON.
func printJSON(a *app, v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
