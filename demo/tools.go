package demo

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// weather makes up the weather: the same for the same place and time.
func weather(a arguments) (Result, error) {
	place, err := a.required("location")
	if err != nil {
		return Result{}, err
	}
	when, err := a.text("time")
	if err != nil {
		return Result{}, err
	}
	h := fnv.New32a()
	fmt.Fprint(h, place, "\n", when)
	n := int(h.Sum32() >> 1)
	conditions := data().Conditions
	members := []ojson.Member{textMember("location", place)}
	if when != "" {
		members = append(members, textMember("time", when))
	}
	members = append(members, textMember("condition", conditions[n%len(conditions)].in(place)),
		numberMember("temperature", strconv.Itoa(n/len(conditions)%35-3)))
	return object(madeUp, members...), nil
}

// garbage knows the four categories of Shanghai, and some things of each. The longest name
// within the question's counts, so that "a glass bottle" is one.
func garbage(a arguments) (Result, error) {
	item, err := a.required("item")
	if err != nil {
		return Result{}, err
	}
	best, category := "", ""
	for _, c := range data().Garbage {
		for _, name := range c.Items {
			if strings.Contains(strings.ToLower(item), name) && len(name) > len(best) {
				best, category = name, c.in(item)
			}
		}
	}
	if best == "" {
		return notFound(), nil
	}
	return object("", textMember("item", item), textMember("category", category)), nil
}

func song(a arguments) (Result, error)    { return lookUp(a, data().Songs) }
func cartoon(a arguments) (Result, error) { return lookUp(a, data().Cartoons) }

func lookUp(a arguments, works []work) (Result, error) {
	title, err := a.required("title")
	if err != nil {
		return Result{}, err
	}
	at := slices.IndexFunc(works, func(w work) bool { return same(w.Title, title) })
	if at < 0 {
		return notFound(), nil
	}
	w := works[at]
	members := []ojson.Member{textMember("title", w.Title)}
	if w.Artist != "" {
		members = append(members, textMember("artist", w.Artist))
	}
	if w.Studio != "" {
		members = append(members, textMember("studio", w.Studio))
	}
	if w.Year != 0 {
		members = append(members, numberMember("year", strconv.Itoa(w.Year)))
	}
	return object("", members...), nil
}

// maxNumberText bounds the text of a number that is computed with, in bytes: exact
// arithmetic on an exponent of nine digits would fill the memory.
const maxNumberText = 40

// decimal reads a number exactly.
func decimal(v *ojson.Value, name string) (*big.Rat, error) {
	if v == nil {
		return nil, fmt.Errorf("%s is missing", name)
	}
	if v.Kind != ojson.Number {
		return nil, fmt.Errorf("%s is %s, want a number", name, v.Kind)
	}
	if len(v.Text) > maxNumberText || strings.ContainsAny(v.Text, "eE") {
		return nil, fmt.Errorf("%s is %.50s, want digits, at most %d", name, v.Text, maxNumberText)
	}
	x, ok := new(big.Rat).SetString(v.Text)
	if !ok {
		return nil, fmt.Errorf("%s is %s, want a number", name, v.Text)
	}
	return x, nil
}

// decimalText writes a number with the digits it needs, at most places after the point.
func decimalText(x *big.Rat, places int) string {
	digits, exact := x.FloatPrec()
	if !exact || digits > places {
		digits = places
	}
	text := x.FloatString(digits)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		text = "0"
	}
	return text
}

func vectorSum(a arguments) (Result, error) {
	x, err := a.vector("a")
	if err != nil {
		return Result{}, err
	}
	y, err := a.vector("b")
	if err != nil {
		return Result{}, err
	}
	if len(x) != len(y) {
		return object("", textMember("error", fmt.Sprintf("the vectors have %d and %d elements", len(x), len(y)))), nil
	}
	sum := &ojson.Value{Kind: ojson.Array}
	for i := range x {
		text := decimalText(x[i].Add(x[i], y[i]), maxNumberText)
		sum.Items = append(sum.Items, &ojson.Value{Kind: ojson.Number, Text: text})
	}
	return object("", ojson.Member{Name: "sum", Value: sum}), nil
}

func (a arguments) vector(name string) ([]*big.Rat, error) {
	v := a.object.Get(name)
	if v == nil || v.Kind != ojson.Array {
		return nil, fmt.Errorf("%s must be an array of numbers", name)
	}
	out := make([]*big.Rat, len(v.Items))
	for i, item := range v.Items {
		var err error
		if out[i], err = decimal(item, fmt.Sprintf("%s[%d]", name, i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func stock(a arguments) (Result, error) {
	symbol, err := a.required("symbol")
	if err != nil {
		return Result{}, err
	}
	for _, s := range data().Stocks {
		if slices.ContainsFunc(s.Names, func(name string) bool { return same(name, symbol) }) {
			return object(madeUp, textMember("symbol", symbol), numberMember("price", s.Price), textMember("currency", s.Currency)), nil
		}
	}
	return notFound(), nil
}

// The characters of passwords; those that are easily taken for another are left out.
const (
	letterSet = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	symbolSet = "!#$%&*+-=?@^_"
)

// Bounds of a password's length, in characters.
const (
	minPassword = 4
	maxPassword = 64
)

// password draws each character independently, from the system's generator.
func password(a arguments) (Result, error) {
	length, err := decimal(a.object.Get("length"), "length")
	if err != nil {
		return Result{}, err
	}
	n := length.Num().Int64()
	if !length.IsInt() || !length.Num().IsInt64() || n < minPassword || n > maxPassword {
		return Result{}, fmt.Errorf("length is %s, want %d to %d", decimalText(length, maxNumberText), minPassword, maxPassword)
	}
	alphabet := letterSet
	if v := a.object.Get("symbols"); v != nil {
		if v.Kind != ojson.Bool {
			return Result{}, fmt.Errorf("symbols is %s, want a boolean", v.Kind)
		}
		if v.Bool {
			alphabet += symbolSet
		}
	}
	out := make([]byte, n)
	for i := range out {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return Result{}, err
		}
		out[i] = alphabet[k.Int64()]
	}
	return object("", textMember("password", string(out))), nil
}

// centDigits are the digits behind the point of an amount of money.
const centDigits = 2

func discount(a arguments) (Result, error) {
	price, err := decimal(a.object.Get("price"), "price")
	if err != nil {
		return Result{}, err
	}
	percent, err := decimal(a.object.Get("percent"), "percent")
	if err != nil {
		return Result{}, err
	}
	hundred := big.NewRat(100, 1)
	if price.Sign() < 0 || percent.Sign() < 0 || percent.Cmp(hundred) > 0 {
		return Result{}, fmt.Errorf("want a price from 0 on and 0 to 100 percent")
	}
	saved := new(big.Rat).Quo(new(big.Rat).Mul(price, percent), hundred)
	final := new(big.Rat).Sub(price, saved)
	return object("", numberMember("final_price", decimalText(final, centDigits)), numberMember("saved", decimalText(saved, centDigits))), nil
}

// maxRestaurants bounds a list of restaurants: a small model reads no more.
const maxRestaurants = 3

// restaurants finds those of a city that meet every wish, the best first.
func restaurants(a arguments) (Result, error) {
	city, err := a.required("location")
	if err != nil {
		return Result{}, err
	}
	cuisine, err := a.text("cuisine")
	if err != nil {
		return Result{}, err
	}
	wishes := make(map[string]*big.Rat)
	for _, name := range []string{"min_rating", "min_price", "max_price"} {
		if v := a.object.Get(name); v != nil {
			if wishes[name], err = decimal(v, name); err != nil {
				return Result{}, err
			}
		}
	}
	least := func(name string, x float64) bool { return wishes[name] == nil || exact(x).Cmp(wishes[name]) >= 0 }
	among := func(names []string, name string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return same(n, name) })
	}
	var found []restaurant
	for _, r := range data().Restaurants {
		if among(r.Cities, city) && (cuisine == "" || among(r.Cuisines, cuisine)) && least("min_rating", r.Rating) &&
			least("min_price", r.Price) && (wishes["max_price"] == nil || exact(r.Price).Cmp(wishes["max_price"]) <= 0) {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return notFound(), nil
	}
	slices.SortStableFunc(found, func(a, b restaurant) int { return cmp.Compare(b.Rating, a.Rating) })
	list := &ojson.Value{Kind: ojson.Array}
	for _, r := range found[:min(len(found), maxRestaurants)] {
		list.Items = append(list.Items, &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
			textMember("name", r.Name), numberMember("rating", trimmed(r.Rating)), numberMember("price", trimmed(r.Price))}})
	}
	return object(madeUp, ojson.Member{Name: "restaurants", Value: list}), nil
}

func trimmed(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// exact is the decimal that a table's number was written as.
func exact(x float64) *big.Rat {
	r, _ := new(big.Rat).SetString(trimmed(x)) // its own text is a number
	return r
}
