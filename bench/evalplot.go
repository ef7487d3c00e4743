package bench

import (
	"fmt"
	"image/color"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Plot draws the accuracy of each category and language as bars, of the modes side by side,
// as PNG or SVG by the file's extension.
func (r *EvalReport) Plot(path string) error {
	if err := CheckPlotName(path); err != nil {
		return err
	}
	out := plot.New()
	for _, f := range []*font.Font{&out.Title.TextStyle.Font, &out.X.Tick.Label.Font, &out.Y.Tick.Label.Font, &out.Y.Label.TextStyle.Font} {
		f.Variant = "Sans"
	}
	out.Title.Text, out.Title.TextStyle.Font.Size = "Exactly right replies", vg.Points(12)
	out.Y.Label.Text, out.Y.Min, out.Y.Max = "percent", 0, 100
	grid := plotter.NewGrid()
	grid.Vertical.Width, grid.Horizontal.Color = 0, gridColor
	out.Add(grid)

	var names []string
	var legend []legendEntry
	colors := map[EvalMode]color.Color{EvalGrammar: ownColor, EvalFree: peerColors[0]}
	labels := map[EvalMode]string{EvalGrammar: "with the grammar", EvalFree: "without the grammar"}
	for i, mode := range r.Modes {
		tallies := r.of(mode)
		if len(tallies) == 0 {
			continue
		}
		width := (plotWidth - 2*vg.Inch) / vg.Length(len(tallies)) / vg.Length(len(r.Modes)+1)
		var values plotter.Values
		names = names[:0]
		for _, t := range tallies {
			values = append(values, 100*float64(t.Right)/float64(t.Items))
			names = append(names, barName(t))
		}
		bars, err := plotter.NewBarChart(values, width)
		if err != nil {
			return fmt.Errorf("bench: plot: %w", err)
		}
		bars.Color, bars.LineStyle.Width = colors[mode], 0
		bars.Offset = width * (vg.Length(i) - vg.Length(len(r.Modes)-1)/2)
		out.Add(bars)
		legend = append(legend, legendEntry{labels[mode], []plot.Thumbnailer{bars}})
	}
	if len(names) == 0 {
		return fmt.Errorf("bench: plot %s: nothing was judged", path)
	}
	out.NominalX(names...)
	if len(names) > maxLevelNames {
		out.X.Tick.Label.Rotation, out.X.Tick.Label.XAlign, out.X.Tick.Label.YAlign = slantedNames, -1, -1
	}
	return writePlot(path, legend, r.caption(), out)
}

// maxLevelNames is the number of bars whose names fit beside each other; more are slanted,
// by slantedNames in radians.
const (
	maxLevelNames = 8
	slantedNames  = .6
)

func barName(t EvalTally) string {
	switch {
	case t.Category == "" && t.Lang == "":
		return "all"
	case t.Category == "":
		return "all " + t.Lang
	}
	return t.Category + " " + t.Lang
}

func (r *EvalReport) caption() string {
	return fmt.Sprintf("%s, dialect %s: %s items, greedy, tool choice auto, %s", r.Model, r.Dialect,
		strconv.Itoa(len(r.Rows)/max(1, len(r.Modes))), r.Elapsed.Round(time.Second))
}
