package bench

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Size of the plot: two panels side by side. PNG has plotDPI dots per inch.
const (
	plotWidth  = 13 * vg.Inch
	plotHeight = 5.6 * vg.Inch
	plotDPI    = 130
)

// Colours that remain apart for most colour-blind readers (Okabe and Ito, 2008).
var (
	ownColor   = color.RGBA{0, 114, 178, 255}
	paleColor  = color.RGBA{86, 180, 233, 255}
	peerColors = []color.Color{color.RGBA{213, 94, 0, 255}, color.RGBA{0, 140, 105, 255}, color.RGBA{120, 120, 120, 255}}
	gridColor  = color.RGBA{225, 225, 225, 255}
)

// CheckPlotName tells whether Plot can write such a file; the empty name is no plot.
func CheckPlotName(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png", ".svg":
		return nil
	}
	if path == "" {
		return nil
	}
	return fmt.Errorf("bench: plot %s: want .png or .svg", path)
}

// Plot draws the cumulative distributions of the time between masks and of the time to the
// first mask, beside the published percentiles of other engines, as PNG or SVG by the
// file's extension. Time is on a logarithmic scale, and so is the part of the samples that
// took longer: each step upwards is one nine more, which is what the tail is about.
func (r *MaskReport) Plot(path string) error {
	if err := CheckPlotName(path); err != nil {
		return err
	}
	tbm := panel{title: "Time between masks: FillMask + Accept, " + grouped(r.All.TBM.N()) + " tokens", nines: 5, low: 100 * time.Nanosecond, high: time.Second}
	tbm.curves = []curve{
		{"Callama", &r.All.TBM, ownColor, 2.2, nil},
		{"Callama, function calls only", &r.Calls.TBM, ownColor, 1.2, dashes(5, 3)},
		{"Callama, masks seen before", &r.All.Again, paleColor, 1.2, dashes(2, 2)},
	}
	ttfm := panel{title: "Time to first mask: compile + FillMask, " + grouped(r.All.TTFM.N()) + " schemas", nines: 4, low: 10 * time.Microsecond, high: 100 * time.Second}
	ttfm.curves = []curve{
		{"Callama", &r.All.TTFM, ownColor, 2.2, nil},
		{"Callama, function calls only", &r.Calls.TTFM, ownColor, 1.2, dashes(5, 3)},
	}
	for i, p := range peers {
		tbm.peers = append(tbm.peers, peerLine{p.name, p.tbm, peerColors[i]})
		ttfm.peers = append(ttfm.peers, peerLine{p.name, p.ttfm, peerColors[i]})
	}
	legend, left, err := tbm.plot()
	if err != nil {
		return fmt.Errorf("bench: plot: %w", err)
	}
	_, right, err := ttfm.plot() // its lines are among those of the left
	if err != nil {
		return fmt.Errorf("bench: plot: %w", err)
	}
	return writePlot(path, legend, r.caption(), left, right)
}

// caption says what was measured.
func (r *MaskReport) caption() string {
	s := fmt.Sprintf("MaskBench protocol, one thread, %s vocabulary (%s tokens): %s of %s files right, %s refused, %s wrong",
		r.Vocabulary, grouped(int64(r.Tokens)), grouped(int64(r.All.Statuses[Passed])), grouped(int64(r.All.Files)),
		grouped(int64(r.All.Statuses[Refused])), grouped(int64(r.All.Files-r.All.Statuses[Passed]-r.All.Statuses[Refused])))
	if r.Commit != "" {
		s += fmt.Sprintf("; commit %.12s", r.Commit)
	}
	return s
}

// panel is one diagram.
type panel struct {
	title     string
	nines     float64       // height of the maximum
	low, high time.Duration // ends of the axis
	curves    []curve
	peers     []peerLine
}

type curve struct {
	name   string
	h      *Histogram
	color  color.Color
	width  vg.Length
	dashes []vg.Length
}

type peerLine struct {
	name   string
	points []quantile
	color  color.Color
}

func dashes(on, off vg.Length) []vg.Length {
	return []vg.Length{vg.Points(float64(on)), vg.Points(float64(off))}
}

// height places a part of the samples: the number of its nines; 1, the maximum, is at the
// top, and so is what has more nines than the axis.
func (p *panel) height(part float64) float64 {
	if part >= 1 {
		return p.nines
	}
	return min(-math.Log10(1-part), p.nines)
}

// legendEntry names a line.
type legendEntry struct {
	name   string
	thumbs []plot.Thumbnailer
}

func (p *panel) plot() (legend []legendEntry, out *plot.Plot, err error) {
	out = plot.New()
	for _, f := range []*font.Font{&out.Title.TextStyle.Font, &out.X.Tick.Label.Font, &out.Y.Tick.Label.Font, &out.Y.Label.TextStyle.Font} {
		f.Variant = "Sans"
	}
	out.Y.Label.TextStyle.Font.Size = vg.Points(10)
	out.Title.Text = p.title
	out.Title.TextStyle.Font.Size = vg.Points(12)
	out.Title.Padding = vg.Points(6)
	out.X.Scale, out.X.Min, out.X.Max = plot.LogScale{}, float64(p.low), float64(p.high)
	out.X.Tick.Marker = plot.ConstantTicks(decades(p.low, p.high))
	out.Y.Min, out.Y.Max = 0, p.nines
	out.Y.Label.Text = "samples within this time"
	out.Y.Tick.Marker = plot.ConstantTicks(p.nineTicks())
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = gridColor, gridColor
	out.Add(grid)
	for _, c := range p.curves {
		entry, err := p.addCurve(out, c)
		if err != nil {
			return nil, nil, err
		}
		legend = append(legend, entry...)
	}
	for _, line := range p.peers {
		entry, err := p.addPeer(out, line)
		if err != nil {
			return nil, nil, err
		}
		legend = append(legend, entry...)
	}
	return legend, out, nil
}

func (p *panel) addCurve(out *plot.Plot, c curve) ([]legendEntry, error) {
	if c.h.N() == 0 {
		return nil, nil
	}
	points := plotter.XYs{}
	last := 0.0
	for d, part := range c.h.Steps {
		x := float64(min(max(d, p.low), p.high))
		if len(points) == 0 {
			points = append(points, plotter.XY{X: x, Y: 0})
		}
		points = append(points, plotter.XY{X: x, Y: last}) // a step: the part rises at d
		last = p.height(part)
		points = append(points, plotter.XY{X: x, Y: last})
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width, line.Dashes = c.color, vg.Points(float64(c.width)), c.dashes
	out.Add(line)
	return []legendEntry{{c.name, []plot.Thumbnailer{line}}}, nil
}

func (p *panel) addPeer(out *plot.Plot, peer peerLine) ([]legendEntry, error) {
	if len(peer.points) == 0 {
		return nil, nil
	}
	points := plotter.XYs{}
	for _, q := range peer.points {
		points = append(points, plotter.XY{X: float64(min(max(q.d, p.low), p.high)), Y: p.height(q.q)})
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = peer.color, vg.Points(1)
	dots.Color, dots.Radius, dots.Shape = peer.color, vg.Points(2.6), draw.CircleGlyph{}
	out.Add(line, dots)
	return []legendEntry{{peer.name, []plot.Thumbnailer{line, dots}}}, nil
}

// decades are the ticks of a time axis, with marks but no labels between them.
func decades(low, high time.Duration) []plot.Tick {
	var out []plot.Tick
	for d := low; d <= high; d *= 10 {
		out = append(out, plot.Tick{Value: float64(d), Label: tickName(d)})
		for i := 2; i < 10 && d < high; i++ {
			out = append(out, plot.Tick{Value: float64(d) * float64(i)})
		}
	}
	return out
}

func tickName(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return trimFloat(float64(d)/1e3) + " µs"
	case d < time.Second:
		return trimFloat(float64(d)/1e6) + " ms"
	}
	return trimFloat(d.Seconds()) + " s"
}

func (p *panel) nineTicks() []plot.Tick {
	out := []plot.Tick{{Value: p.nines, Label: "max"}}
	for _, percent := range []float64{0, 50, 75, 90, 99, 99.9, 99.99} {
		if h := p.height(percent / 100); h < p.nines-.1 {
			out = append(out, plot.Tick{Value: h, Label: trimFloat(percent) + " %"})
		}
	}
	return out
}

// writePlot draws the panels side by side, with legend and caption below.
func writePlot(path string, legend []legendEntry, caption string, panels ...*plot.Plot) error {
	var canvas interface {
		vg.CanvasSizer
		io.WriterTo
	}
	if strings.EqualFold(filepath.Ext(path), ".svg") {
		canvas = vgsvg.New(plotWidth, plotHeight)
	} else {
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(plotWidth, plotHeight), vgimg.UseDPI(plotDPI))}
	}
	dc := draw.New(canvas)
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	pad := vg.Points(10)
	sans := font.From(font.Font{Typeface: plot.DefaultFont.Typeface, Variant: "Sans"}, vg.Points(9.5))
	style := draw.TextStyle{Color: color.Gray{90}, Font: sans, Handler: plot.DefaultTextHandler}
	dc.FillText(style, vg.Point{X: dc.Min.X + pad, Y: dc.Min.Y + pad}, caption)
	style.Color = color.Black
	drawLegend(dc, style, vg.Point{X: dc.Min.X + pad, Y: dc.Min.Y + 2.8*pad}, legend)
	area := draw.Crop(dc, 0, 0, 4.2*pad, 0)
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadTop: pad, PadBottom: pad / 2, PadLeft: pad, PadRight: pad * 2, PadX: pad * 2}
	for i, c := range plot.Align([][]*plot.Plot{panels}, tiles, area)[0] {
		panels[i].Draw(c)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("bench: plot: %w", err)
	}
	_, err = canvas.WriteTo(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("bench: plot %s: %w", path, err)
	}
	return nil
}

// drawLegend writes the entries in a row from at on.
func drawLegend(dc draw.Canvas, style draw.TextStyle, at vg.Point, legend []legendEntry) {
	thumb, gap := vg.Points(26), vg.Points(5)
	for _, e := range legend {
		box := draw.Canvas{Canvas: dc.Canvas, Rectangle: vg.Rectangle{Min: at, Max: vg.Point{X: at.X + thumb, Y: at.Y + style.Font.Size*.8}}}
		for _, t := range e.thumbs {
			t.Thumbnail(&box)
		}
		dc.FillText(style, vg.Point{X: at.X + thumb + gap, Y: at.Y}, e.name)
		at.X += thumb + gap + style.Width(e.name) + 4*gap
	}
}
