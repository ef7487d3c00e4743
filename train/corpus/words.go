package corpus

import (
	"fmt"
	"strconv"
	"strings"
)

// Most names are invented from syllables or characters: a model can only copy them.

var (
	onsets = strings.Fields("b br c ch cl d dr f fl g gr h j k kl l m n p pl qu r s sh sk st t th tr v w y z")
	vowels = strings.Fields("a e i o u a e i o u ai ea ou io y")
	codas  = strings.Fields("n r l s m t k x nd rk st ld sh . . . . . .")
)

// syllables invents a word in small letters.
func (s *source) syllables(n int) string {
	var sb strings.Builder
	for i := range n {
		sb.WriteString(pick(s, onsets))
		sb.WriteString(pick(s, vowels))
		if c := pick(s, codas); c != "." && (i == n-1 || s.chance(0.3)) {
			sb.WriteString(c)
		}
	}
	return sb.String()
}

// capital writes a Latin word with a capital; other scripts have none.
func capital(word string) string {
	if word == "" || word[0] < 'a' || word[0] > 'z' {
		return word
	}
	return string(word[0]-'a'+'A') + word[1:]
}

// invented is a name that no one has heard of.
func (s *source) invented() string {
	if s.lang == chinese {
		return s.hanzi(2 + s.IntN(2))
	}
	return capital(s.syllables(2 + s.IntN(2)))
}

// hanzi strings characters together, the frequent ones more often.
func (s *source) hanzi(n int) string {
	var sb strings.Builder
	for range n {
		x := s.Float64()
		sb.WriteString(s.pools.characters[int(x*x*float64(len(s.pools.characters)))])
	}
	return sb.String()
}

// group returns words of the conversation's language.
func (s *source) group(name string) []string { return s.pools.words[s.lang.String()+"."+name] }

func (s *source) place() string {
	switch {
	case s.chance(0.4):
		return pick(s, s.group("place"))
	case s.lang == chinese:
		return s.hanzi(1+s.IntN(2)) + pick(s, strings.Fields("市 县 镇 州 城 山 港 村 路 湾 湖 桥"))
	case s.chance(0.15):
		return pick(s, strings.Fields("New North Port San Saint West Lake")) + " " + s.invented()
	}
	return s.invented()
}

func (s *source) person() string {
	if s.lang == chinese {
		return pick(s, s.group("family")) + s.hanzi(1+s.IntN(2))
	}
	given := pick(s, s.pools.words["en.given"])
	switch s.IntN(4) {
	case 0:
		return given
	case 1:
		return given + " " + pick(s, s.pools.words["en.family"])
	case 2:
		return given + " " + s.invented()
	}
	return s.invented()
}

func (s *source) org() string {
	if s.lang == chinese {
		return s.hanzi(2) + pick(s, strings.Fields("公司 集团 科技 银行 学校 工厂"))
	}
	return s.invented()
}

func (s *source) word() string {
	switch s.IntN(4) {
	case 0:
		return pick(s, s.group("noun"))
	case 1:
		return s.adjectiveNoun()
	case 2:
		if s.lang == english {
			return s.syllables(2)
		}
	}
	return s.invented()
}

func (s *source) adjectiveNoun() string {
	a, n := pick(s, s.group("adjective")), pick(s, s.group("noun"))
	if s.lang == chinese {
		return a + n
	}
	return a + " " + n
}

func (s *source) title() string {
	if s.lang == chinese {
		switch s.IntN(4) {
		case 0:
			return s.adjectiveNoun()
		case 1:
			return pick(s, s.group("noun")) + pick(s, strings.Fields("之歌 往事 的秘密 传说 奇遇 与我 物语"))
		}
		return s.hanzi(2 + s.IntN(4))
	}
	adjective, noun := capital(pick(s, s.group("adjective"))), capital(pick(s, s.group("noun")))
	switch s.IntN(5) {
	case 0:
		return "The " + adjective + " " + noun
	case 1:
		return noun + " of " + s.invented()
	case 2:
		return s.invented()
	case 3:
		return "The " + noun + " and the " + capital(pick(s, s.group("animal")))
	}
	return adjective + " " + noun
}

func (s *source) food() string     { return s.known("food") }
func (s *source) animal() string   { return s.known("animal") }
func (s *source) color() string    { return s.known("color") }
func (s *source) material() string { return s.known("material") }

// known is a word of a group, or now and then an invented one.
func (s *source) known(name string) string {
	word := pick(s, s.group(name))
	switch {
	case s.chance(0.2):
		if s.lang == chinese {
			return s.hanzi(1) + word
		}
		return s.syllables(2)
	case s.chance(0.25):
		if s.lang == chinese {
			return pick(s, s.group("adjective")) + word
		}
		return pick(s, s.group("adjective")) + " " + word
	}
	return word
}

// item is a thing that one can hold: an apple, a banana peel, an old lamp, a wool scarf.
func (s *source) item() string {
	noun, food := pick(s, s.group("noun")), pick(s, s.group("food"))
	blank := " "
	if s.lang == chinese {
		blank = ""
	}
	switch s.IntN(6) {
	case 0:
		return noun
	case 1:
		return s.adjectiveNoun()
	case 2:
		return s.known("food")
	case 3:
		return food + blank + pick(s, [2][]string{strings.Fields("peel skin core stone shell rind"), strings.Fields("皮 核 壳 叶 根 渣")}[s.lang])
	case 4:
		return pick(s, [2][]string{strings.Fields("used old broken empty expired"), strings.Fields("废 旧 坏 过期 用过的")}[s.lang]) + blank + noun
	}
	return pick(s, s.group("material")) + blank + noun
}

const upperCase = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

func (s *source) upper(n int) string {
	var sb strings.Builder
	for range n {
		sb.WriteByte(upperCase[s.IntN(len(upperCase))])
	}
	return sb.String()
}

func (s *source) digits(n int) string {
	var sb strings.Builder
	for range n {
		sb.WriteByte(byte('0' + s.IntN(10)))
	}
	return sb.String()
}

func (s *source) code() string {
	switch s.IntN(5) {
	case 0:
		return s.upper(2) + s.digits(3+s.IntN(2))
	case 1:
		return s.upper(1+s.IntN(3)) + "-" + s.digits(2+s.IntN(4))
	case 2:
		return s.digits(3 + s.IntN(5))
	case 3:
		return s.syllables(2) + "-" + s.digits(2)
	}
	return s.upper(1) + s.digits(1+s.IntN(3)) + s.upper(1)
}

// symbol is a stock, by its letters or by the company's name.
func (s *source) symbol() string {
	switch {
	case s.lang == english && s.chance(0.7) || s.chance(0.4):
		return s.upper(2 + s.IntN(3))
	case s.lang == chinese && s.chance(0.3):
		return pick(s, s.group("place")) + s.hanzi(2)
	case s.lang == chinese && s.chance(0.6):
		return s.hanzi(2 + s.IntN(3))
	}
	return s.org()
}

func (s *source) file() string {
	stem := s.syllables(2)
	if s.chance(0.4) {
		stem = pick(s, s.pools.words["en.noun"])
	}
	if s.chance(0.3) {
		stem += "_" + s.digits(1+s.IntN(3))
	}
	return stem + pick(s, strings.Fields(".txt .pdf .csv .png .mp3 .docx .json .zip .log"))
}

func (s *source) email() string {
	return s.syllables(2) + pick(s, []string{"", ".", "_"}) + s.syllables(1) + "@" + s.syllables(2) + pick(s, strings.Fields(".com .org .net .cn .io"))
}

func (s *source) phone() string {
	switch {
	case s.lang == chinese:
		return "1" + s.digits(10)
	case s.chance(0.5):
		return s.digits(3) + "-" + s.digits(4)
	}
	return "+" + strconv.Itoa(1+s.IntN(98)) + s.digits(8)
}

func (s *source) url() string {
	text := pick(s, []string{"https://", "https://", "http://", "www."}) + s.syllables(2) + pick(s, strings.Fields(".com .org .net .dev"))
	if s.chance(0.5) {
		text += "/" + s.syllables(2)
	}
	return text
}

// text is a short sentence.
func (s *source) text() string {
	if s.lang == chinese {
		return pick(s, strings.Fields("请带 记得买 我们要 不要忘记 明早送 一起看 谢谢你的 已收到 需要更换")) + s.adjectiveNoun()
	}
	object := s.adjectiveNoun()
	switch s.IntN(4) {
	case 0:
		return capital(pick(s, s.pools.words["en.verbish"])) + " the " + object
	case 1:
		return "The " + object + " is " + pick(s, strings.Fields("late ready missing here broken fine sold"))
	case 2:
		return "Do not " + pick(s, s.pools.words["en.verbish"]) + " the " + object
	}
	return pick(s, s.pools.words["en.verbish"]) + " " + pick(s, s.group("noun"))
}

var days = [2][]string{
	strings.Split("today,tomorrow,tonight,yesterday,this weekend,next week,next Monday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday,this Friday,tomorrow morning,this afternoon,this evening,next month,the day after tomorrow", ","),
	strings.Fields("今天 明天 今晚 昨天 后天 大后天 这周末 下周 下周一 周一 周二 周三 周四 周五 周六 周日 星期三 明天上午 今天下午 今晚八点 下个月 本周五"),
}

func (s *source) day() string { return pick(s, days[s.lang]) }

func (s *source) date() string {
	return fmt.Sprintf("%d-%02d-%02d", 1980+s.IntN(70), 1+s.IntN(12), 1+s.IntN(28))
}

func (s *source) clock() string {
	if s.chance(0.2) {
		if s.lang == chinese {
			return pick(s, strings.Fields("上午 下午 晚上")) + strconv.Itoa(1+s.IntN(11)) + "点"
		}
		return strconv.Itoa(1+s.IntN(12)) + pick(s, []string{" am", " pm", "am", "pm"})
	}
	return fmt.Sprintf("%02d:%02d", s.IntN(24), s.IntN(60))
}

func (s *source) duration() string {
	n := strconv.Itoa(2 + s.IntN(58))
	if s.lang == chinese {
		return n + pick(s, strings.Fields("分钟 小时 天 周 个月 年"))
	}
	return n + " " + pick(s, strings.Fields("minutes hours days weeks months years"))
}
