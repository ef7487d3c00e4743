package gbnf

// suggest returns "; did you mean …?" for the defined name that is nearest to a
// misspelt one, or "".
func (p *parser) suggest(name string) string {
	const (
		mostBytes = 64     // longer names are not worth the quadratic comparison
		mostRules = 10_000 // an error message need not search more
	)
	if len(name) > mostBytes {
		return ""
	}
	best, distance := "", len(name)/3+2 // one letter in three, and one more, may be wrong
	for i, rule := range p.rules {
		if i == mostRules {
			break
		}
		if len(rule.Name) > mostBytes {
			continue
		}
		if d := editDistance(name, rule.Name); d < distance {
			best, distance = rule.Name, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + quote(best) + "?"
}

// editDistance is Levenshtein's distance in bytes (names are ASCII), except that letter
// case costs nothing.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if lower(a[i]) != lower(b[j]) {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
