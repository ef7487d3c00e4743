package jinja

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hostile are templates that try to cost more than they may, each with the limit it meets.
var hostile = []struct{ name, template, limit string }{
	{"endless loop", "{% for i in range(10**9) %}{% endfor %}", "Work"},
	{"nested loops", "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "Work"},
	{"long range", "{{ range(10**18)|length }}", "Work"},
	{"range over all integers", "{{ range(-9223372036854775807, 9223372036854775807)|length }}", "Work"},
	{"growing list", "{% set l = [1] %}{% for i in range(100000) %}{% for x in l %}{% set _ = l.append(1) %}{% endfor %}{% endfor %}", "Work"},
	{"doubled list", "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", "Work"},
	{"repeated list", "{{ [1] * 10**12 }}", "Work"},
	{"repeated text", "{{ 'a' * 10**12 }}", "OutputBytes"},
	{"doubled text", "{% set ns = namespace(s='a') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", "OutputBytes"},
	{"much text", "{% for i in range(1000000) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }}{% endfor %}", "OutputBytes"},
	{"long replacement", "{% set s = 'a' * 100000 %}{{ s.replace('a', s) }}", "OutputBytes"},
	{"long join", "{% set s = 'a' * 100000 %}{{ s.join('b' * 100000) }}", "OutputBytes"},
	{"long padding", "{{ 'a'.ljust(10**15) }}", "OutputBytes"},
	{"long indentation", "{{ 'a\nb'|indent(10**15) }}", "OutputBytes"},
	{"long JSON indentation", "{{ [[1]]|tojson(indent=10**15) }}", "OutputBytes"},
	{"many matrices", "{% set a = [0] * 1000 %}{% set a = [a] * 1000 %}{% set a = [a] * 1000 %}{{ a }}", "Work"},
	{"long texts compared", "{% set s = 'a' * 10**7 %}{% set t = s ~ '' %}{% for i in range(1000000) %}{% if s == t %}{% endif %}{% endfor %}", "Work"},
	{"long texts counted", "{% set s = 'a' * 10**7 %}{% for i in range(1000000) %}{% if s|length %}{% endif %}{% endfor %}", "Work"},
	{"long texts tested", "{% set s = 'a' * 10**7 %}{% for i in range(1000000) %}{% if s.isdigit() or s is lower or s.startswith(s) %}{% endif %}{% endfor %}", "Work"},
	{"long keys", "{% set s = 'a' * 10**7 %}{% set d = {} %}{% for i in range(1000000) %}{% if d[s] or d.get(s) or s in d or {s: 1} or {(s,): 1} %}{% endif %}{% endfor %}", "Work"},
	{"long texts searched", "{% set s = 'a' * 10**7 %}{% for i in range(1000000) %}{% if s.count('b') or s.find('b') or 'b' in s %}{% endif %}{% endfor %}", "Work"},
	{"long texts sorted", "{% set s = 'a' * 10**7 %}{% set l = [s, s ~ 'b', s] * 1000 %}{{ l|sort|length }}", "Work"},
	{"long texts printed", "{% set s = 'a' * 10**6 %}{{ [s] * 20 }}", "OutputBytes"},
	{"long texts as JSON", "{% set s = 'a' * 10**7 %}{{ ([s] * 1000)|tojson }}", "OutputBytes"},
	{"long texts joined", "{% set s = 'a' * 10**7 %}{{ ([s] * 1000)|join }}", "OutputBytes"},
	{"long texts quoted", "{% set s = 'a' * 10**7 %}{% for i in range(1000) %}{% if [s]|string %}{% endif %}{% endfor %}", "Work"},
	{"many long texts kept", "{% set s = 'a' * 10**7 %}{% set l = [] %}{% for i in range(1000000) %}{% set _ = l.append(s ~ i) %}{% endfor %}", "Work"},
	{"many long keys kept", "{% set s = 'a' * 10**7 %}{% set d = {} %}{% for i in range(1000000) %}{% set _ = d.update({(s, i): 1}) %}{% endfor %}", "Work"},
	{"endless recursion", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "Depth"},
	{"mutual recursion", "{% macro g() %}{{ f() }}{% endmacro %}{% macro f() %}{{ g() }}{% endmacro %}{{ f() }}", "Depth"},
	{"caller recursion", "{% macro f() %}{% call f() %}{% endcall %}{% endmacro %}{{ f() }}", "Depth"},
	{"recursive loop", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "Depth"},
	{"list in itself", "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}", "Depth"},
	{"list in itself as JSON", "{% set l = [] %}{% set _ = l.append(l) %}{{ l|tojson }}", "Depth"},
	{"list in itself compared", "{% set l = [] %}{% set _ = l.append(l) %}{% set m = [] %}{% set _ = m.append(m) %}{{ l == m }}", "Depth"},
	{"list in itself by repr", "{% set l = [] %}{% set _ = l.append(l) %}{{ '%r' % [l] }}", "Depth"},
	{"deep brackets", "{{ " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + " }}", "Depth"},
	{"deep parentheses", "{{ " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + " }}", "Depth"},
	{"deep not", "{{ " + strings.Repeat("not ", 100_000) + "1 }}", "Depth"},
	{"deep signs", "{{ " + strings.Repeat("-", 100_000) + "1 }}", "Depth"},
	{"deep conditions", "{{ " + strings.Repeat("1 if 0 else ", 50_000) + "1 }}", "Depth"},
	{"deep ifs", strings.Repeat("{% if 1 %}", 50_000), "Depth"},
	{"deep subscripts", "{{ " + strings.Repeat("a[", 100_000) + "0" + strings.Repeat("]", 100_000) + " }}", "Depth"},
	{"long chain of operators", "{{ 1" + strings.Repeat("+1", 200_000) + " }}", "Depth"},
	{"long chain of filters", "{{ 1" + strings.Repeat("|abs", 100_000) + " }}", "Depth"},
	{"long chain of attributes", "{{ none" + strings.Repeat(".a", 100_000) + " }}", "Depth"},
	{"long source", strings.Repeat("a", 1<<20+1), "SourceBytes"},
}

func TestHostileTemplates(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := renderJSON(tt.template, []byte("{}"))
			runtime.ReadMemStats(&after)
			var limit *LimitError
			if !errors.As(err, &limit) || limit.Name != tt.limit {
				if err != nil && len(err.Error()) > 300 {
					err = errors.New(err.Error()[:300])
				}
				t.Errorf("got %v, want the limit %s", err, tt.limit)
			}
			t.Logf("%v, %d MiB allocated", time.Since(start).Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20)
		})
	}
}

// TestErrorsNameTheLine checks that errors say where.
func TestErrorsNameTheLine(t *testing.T) {
	tests := []struct{ name, template, want string }{
		{"syntax", "a\n{% if %}", "line 2"},
		{"string", "\n\n{{ 'a }}", "line 3"},
		{"evaluation", "\n{{ 1\n + none }}", "line 3"},
		{"raised", "\n\n{{ raise_exception('no') }}", "line 3: the template refuses: no"},
		{"limit", "\n{{ range(10**12) }}", "line 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := renderJSON(tt.template, []byte("{}"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzRender checks that no template panics, hangs or fails with anything but an *Error.
func FuzzRender(f *testing.F) {
	for _, s := range readSnippets(f) {
		f.Add(s.Template)
	}
	for _, tt := range hostile {
		if len(tt.template) < 1<<10 {
			f.Add(tt.template)
		}
	}
	f.Fuzz(func(t *testing.T, template string) {
		parsed, err := Parse(template, Limits{Work: 100_000, OutputBytes: 1 << 16, Depth: 50})
		if err == nil {
			_, err = parsed.Render(map[string]any{"x": "text", "n": 3, "l": &List{Items: []any{int64(1), "a"}}})
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || strings.Contains(err.Error(), "internal error")) {
			t.Fatalf("%q: %v", template, err)
		}
	})
}
