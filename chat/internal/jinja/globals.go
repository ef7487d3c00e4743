package jinja

import "math"

// globals are the functions of every template.
var globals = map[string]*Func{
	"range":           {"range", globalRange},
	"dict":            {"dict", globalDict},
	"namespace":       {"namespace", globalNamespace},
	"cycler":          {"cycler", globalCycler},
	"joiner":          {"joiner", globalJoiner},
	"raise_exception": {"raise_exception", globalRaise},
}

func globalRaise(in *interp, line int, args *callArgs) any {
	throw(line, &RaisedError{in.str(args.or(0, "message", ""))})
	return nil
}

// globalRange makes the whole list: a range costs its length, so a long one meets the
// limit of work at once.
func globalRange(in *interp, line int, args *callArgs) any {
	start, step := int64(0), int64(1)
	stop := args.integer(line, 0, "stop", 0)
	if len(args.positional) > 1 {
		start, stop = stop, args.integer(line, 1, "stop", 0)
	}
	if len(args.positional) > 2 {
		step = args.integer(line, 2, "step", 1)
	}
	if step == 0 || len(args.positional) > 3 {
		throwf(line, "range takes one to three integers, and a step other than zero")
	}
	// In floats, because the difference may leave 64 bits; lists that fit are far below 2^53.
	n := math.Ceil((float64(stop) - float64(start)) / float64(step))
	if n > float64(in.limits.Work) {
		throw(line, &LimitError{"Work", in.limits.Work})
	}
	in.spend(max(int(n), 0))
	list := &List{}
	for i := range int64(max(n, 0)) {
		list.Items = append(list.Items, start+i*step)
	}
	return list
}

func globalDict(in *interp, line int, args *callArgs) any {
	dict := &Dict{}
	in.fill(dict, line, args)
	return dict
}

func globalNamespace(in *interp, line int, args *callArgs) any {
	ns := &namespace{}
	in.fill(&ns.Dict, line, args)
	return ns
}

// fill sets a dict from dict(mapping or pairs, name=value, …).
func (in *interp) fill(d *Dict, line int, args *callArgs) {
	switch v := args.or(0, "", nil).(type) {
	case nil:
	case *Dict:
		in.update(d, v)
	default:
		for _, item := range in.items(line, v) {
			pair := in.items(line, item)
			if len(pair) != 2 {
				throwf(line, "dict needs pairs")
			}
			d.Set(pair[0], pair[1])
		}
	}
	for i, n := range args.names {
		d.Set(n, args.named[i])
	}
}

func globalCycler(in *interp, line int, args *callArgs) any {
	if len(args.positional) == 0 {
		throwf(line, "cycler needs items")
	}
	at := 0
	ns := &namespace{}
	ns.Set("current", args.positional[0])
	move := func(to int) any {
		current := args.positional[at]
		at = to % len(args.positional)
		ns.Set("current", args.positional[at])
		return current
	}
	ns.Set("next", &Func{"next", func(*interp, int, *callArgs) any { return move(at + 1) }})
	ns.Set("reset", &Func{"reset", func(*interp, int, *callArgs) any { move(0); return nil }})
	return ns
}

func globalJoiner(in *interp, line int, args *callArgs) any {
	used := false
	separator := args.or(0, "sep", ", ")
	return &Func{"joiner", func(*interp, int, *callArgs) any {
		if !used {
			used = true
			return ""
		}
		return separator
	}}
}
