package chat

import (
	"fmt"
	"strings"
	"time"
)

// strftimeNow is the templates' strftime_now(format).
func (t *Template) strftimeNow(args ...any) (any, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("strftime_now takes one format, not %d arguments", len(args))
	}
	format, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("strftime_now takes a string, not %T", args[0])
	}
	return strftime(t.opts.Now(), format)
}

// strftimeLayouts maps the conversions of C's strftime to Go's layouts.
var strftimeLayouts = map[string]string{
	"%a": "Mon", "%A": "Monday", "%b": "Jan", "%h": "Jan", "%B": "January", "%c": "Mon Jan _2 15:04:05 2006",
	"%d": "02", "%D": "01/02/06", "%e": "_2", "%F": "2006-01-02", "%H": "15", "%I": "03", "%j": "002",
	"%m": "01", "%M": "04", "%p": "PM", "%R": "15:04", "%S": "05", "%T": "15:04:05", "%x": "01/02/06", "%X": "15:04:05",
	"%y": "06", "%Y": "2006", "%z": "-0700", "%Z": "MST",
	"%-d": "2", "%-I": "3", "%-m": "1", "%-M": "4", "%-S": "5",
}

func strftime(now time.Time, format string) (string, error) {
	var sb strings.Builder
	for {
		before, rest, found := strings.Cut(format, "%")
		sb.WriteString(before)
		if !found {
			return sb.String(), nil
		}
		n := 1
		if strings.HasPrefix(rest, "-") {
			n = 2
		}
		if len(rest) < n {
			return "", fmt.Errorf("strftime: %q ends within a conversion", format)
		}
		conversion := "%" + rest[:n]
		format = rest[n:]
		switch layout, ok := strftimeLayouts[conversion]; {
		case conversion == "%%":
			sb.WriteByte('%')
		case conversion == "%f":
			fmt.Fprintf(&sb, "%06d", now.Nanosecond()/1000)
		case conversion == "%-H":
			fmt.Fprint(&sb, now.Hour())
		case conversion == "%s":
			fmt.Fprint(&sb, now.Unix())
		case ok:
			sb.WriteString(now.Format(layout))
		default:
			return "", fmt.Errorf("strftime: the conversion %s is not supported", conversion)
		}
	}
}
