package strictjsontest

import (
	"strings"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// refused is a text and why it is.
type refused struct {
	text   string
	reason strictjson.Reason
}

const (
	syntax     = strictjson.Syntax
	incomplete = strictjson.Incomplete
	trailing   = strictjson.Trailing
	utf8       = strictjson.InvalidUTF8
	surrogate  = strictjson.LoneSurrogate
	space      = strictjson.WhiteSpace
	twice      = strictjson.DuplicateKey
	mark       = strictjson.ByteOrderMark
	empty      = strictjson.Empty
)

// goodNumbers are accepted and keep their spelling, whatever a float64 makes of
// them.
var goodNumbers = []string{
	"0", "-0", "0.0", "-0.0", "0e0", "0E+1", "0e-1", "1", "-1", "10", "123", "-123456789", "1.10", "1.0", "100.000", "0.1", "0.10000000000000001", "3.141592653589793238",
	"1e1", "1E1", "1e+1", "1E+1", "1e-1", "1E-1", "1e01", "1e000", "12.5e3", "-12.5E-3", "1e400", "-1e400", "1e-400", "-1e-400", "5e-324", "2e-324",
	"1.7976931348623157e308", "1.8e308", "9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740993", "9223372036854775807", "9223372036854775808",
	"-9223372036854775808", "-9223372036854775809", "18446744073709551616", "123456789012345678901234567890", "0.123456789012345678901234567890",
	"-0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001", "1e9999999999999999999", "-1e-9999999999999999999",
	"0.4e0066999999999999999999999999999999999999999999999999999999999999999999", "123123e100000", "-123123e100000",
}

var badNumbers = []refused{
	{"+1", syntax}, {"++1", syntax}, {"-", incomplete}, {"--1", syntax}, {"-x", syntax}, {"- 1", syntax}, {"-.5", syntax}, {"+.5", syntax}, {".5", syntax}, {".", syntax},
	{"1.", incomplete}, {"1.e1", syntax}, {"0.e1", syntax}, {"-2.", incomplete}, {"-1.0.", trailing}, {"0.1.2", trailing}, {"1e", incomplete}, {"1E", incomplete}, {"1e+", incomplete},
	{"1e-", incomplete}, {"0e", incomplete}, {"0.3e", incomplete}, {"0.3e+", incomplete}, {"1ee2", syntax}, {"1eE2", syntax}, {"1e1.5", trailing}, {"1e+-2", syntax}, {"01", trailing}, {"-01", trailing},
	{"00", trailing}, {"007", trailing}, {"-00", trailing}, {"012.5", trailing}, {"0x1", trailing}, {"0x42", trailing}, {"0b1", trailing}, {"0o7", trailing}, {"1_000", trailing}, {"1 000", trailing},
	{"1+2", trailing}, {"1a", trailing}, {"1.2a", trailing}, {"1ea", syntax}, {"1.2a-3", trailing}, {"1.8011670033376514H-308", trailing}, {"-1x", trailing}, {"-123.123foo", trailing}, {"NaN", syntax}, {"-NaN", syntax}, {"nan", syntax},
	{"Infinity", syntax}, {"-Infinity", syntax}, {"+Infinity", syntax}, {"Inf", syntax}, {"-Inf", syntax}, {"\uff11", syntax}, {"1\uff11", trailing}, {"\u0661", syntax}, {"0\xe5", trailing},
	{"1e1\xe5", trailing}, {"1e\xe5", utf8}, {"123\xe5", trailing}, {"1\x00", trailing}, {"1f", trailing}, {"1d", trailing}, {"1L", trailing}, {"1n", trailing}, {"1%", trailing}, {"$1", syntax}, {"1'000", trailing}, {"\u22121", syntax},
}

// goodStrings are accepted between quotes.
var goodStrings = []string{
	"", "a", " ", "asd ", "abc", "0", "null", "a b", "{}", "[1,2]", "a/*b*/c", "'", "`", "\x7f", "a\x7fb", "<>&", "\u00e9", "\u20ac\U0001d11e", "\u2028", "\u2029", "\ufeff", "\u00a0", "\u2060", "\ufffd", "\ufffe", "\uffff",
	"\U0010ffff", "\U0010fffe", "\U0001fffe", "\u0123", "\u0821", "\u65e5\u672c", "e\u0301", "\u200d", "\u202e", `\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t`, `\"\\\/\b\f\n\r\t`, `\u0000`, `\u0012`, `\u001f`, `\u0022`, `\u005C`,
	`\u002c`, `\u007F`, `\u00e4`, `\u0061\u30af\u30EA\u30b9`, `\u2028`, `\u200B`, `\u2064`, `\uA66D`, `\uFDD0`, `\uFFFE`, `\uFFFF`, `\ufeff`, `\uD801\udc37`, `\ud83d\ude39\ud83d\udc8d`, `\uD834\uDd1e`, `\uDBFF\uDFFF`, `\uDBFF\uDFFE`,
	`\uD83F\uDFFE`, `\\u0000`, `\\a`, `\\\\ud800`, `new\u000Aline`, strings.Repeat("x", 300),
}

// badStrings are refused between quotes.
var badStrings = []refused{
	{`\`, Unsure}, {`\x41`, syntax}, {`\a`, syntax}, {`\v`, syntax}, {`\0`, syntax}, {`\'`, syntax}, {`\00`, syntax}, {`\U0041`, syntax}, {`\u`, Unsure}, {`\u1`, Unsure}, {`\u12`, Unsure}, {`\u123`, Unsure}, {`\u123g`, syntax},
	{`\u00A`, Unsure}, {`\u{41}`, syntax}, {`\u 041`, syntax}, {`\u+041`, syntax}, {`\uqqqq`, syntax}, {"\\\u00e9", syntax}, {"\\\U0001f300", syntax}, {"\\\t", syntax}, {"\\\n", syntax}, {"\\\x00", syntax}, {`\\\`, Unsure},
	{"\x00", syntax}, {"\x01", syntax}, {"\x08", syntax}, {"\t", syntax}, {"\n", syntax}, {"\r", syntax}, {"\x0b", syntax}, {"\x0c", syntax}, {"\x1b", syntax}, {"\x1f", syntax}, {"a\x00a", syntax},
	{"\x80", utf8}, {"\x81", utf8}, {"\xbf", utf8}, {"\xc0\xaf", utf8}, {"\xc1\xbf", utf8}, {"\xc3", utf8}, {"\xe0\x80\x80", utf8}, {"\xe0\xff", utf8}, {"\xe2\x82", utf8}, {"\xe9", utf8}, {"\xed\xa0\x80", utf8}, {"\xed\xb0\x80", utf8},
	{"\xed\xa0\x80\xed\xb0\x80", utf8}, {"\xf0\x80\x80\x80", utf8}, {"\xf0\x9f\x98", utf8}, {"\xf4\x90\x80\x80", utf8}, {"\xf4\xbf\xbf\xbf", utf8}, {"\xf8\x88\x80\x80\x80", utf8}, {"\xfc\x80\x80\x80\x80\x80", utf8},
	{"\xfc\x83\xbf\xbf\xbf\xbf", utf8}, {"\xfe", utf8}, {"\xff", utf8}, {"M\xfcller", utf8}, {"\u65e5\xd1\u0448\xfa", utf8}, {"\\n\xe5", utf8},
	{`\ud800`, surrogate}, {`\uD800abc`, surrogate}, {`\uDBFF`, surrogate}, {`\uDC00`, surrogate}, {`\udfff`, surrogate}, {`\uDFAA`, surrogate}, {`\uDd1e\uD834`, surrogate}, {`\uD800\uD800\n`, surrogate}, {`\uD800\n`, surrogate}, {`\uD888\u1234`, surrogate},
	{`\uD800\u0041`, surrogate}, {`\ud800\ud800\udc00`, surrogate}, {`a\ud800 b`, surrogate}, {`\uD800\u`, Unsure}, {`\uD800\u1`, Unsure}, {`\uD800\u1x`, Unsure}, {`\uD800\`, Unsure}, {`\uD834\uDd`, Unsure},
}

// goodStructures are accepted as whole documents.
var goodStructures = []string{
	"[]", "{}", "[[]]", "[{}]", `{"a":[]}`, `{"a":{}}`, "[[],[]]", "[1,2]", "[1,null,null,null,2]", `["a","b"]`, `[1,"a",true,false,null,{"a":1},[1]]`, " [] ", "[ ]", "[\t]", "[\n]", "[\r\n]", "[1\n,1]", "[ 1]", "[1 ]", " 1 ",
	"\t[ \n1\r,\t2 ]\n", "\n\n{\n\"a\"\n:\n1\n}\n", `{"":0}`, `{"a":1,"A":2}`, `{"a":1,"b":1}`, `{"a":{"a":{"a":1}}}`, `[{"a":1},{"a":2}]`, `{"a":{"b":1},"b":{"b":1}}`, `{"a":1,"a ":2}`, "{\"\u00e9\":1,\"e\u0301\":2}",
	`{"a\u0000":1,"a":2}`, `{"min":-1.0e+28,"max":1.0e+28}`, `{"x":[{"id":"` + strings.Repeat("x", 60) + `"}],"id":"` + strings.Repeat("x", 60) + `"}`, `{"__proto__":1}`, `{"a.b":1,"a":{"b":2}}`,
	"[" + strings.Repeat("1,", 500) + "1]", "{" + members(100) + "}",
}

// members are members with keys of their own, more than a short list is searched
// for.
func members(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = `"k` + strings.Repeat("x", i) + `":1`
	}
	return strings.Join(out, ",")
}

// badStructures are refused as whole documents.
var badStructures = []refused{
	{"", empty}, {" ", empty}, {"\n", empty}, {"\t\r\n ", empty}, {"\ufeff", mark}, {"\ufeff{}", mark}, {"\ufeff[1]", mark}, {" \ufeff1", space}, {"[\ufeff1]", space}, {"\xef\xbb{}", utf8}, {"\xef\xbb", utf8},
	{"\xff\xfe[\x00]\x00", utf8}, {"\xfe\xff\x00[\x00]", utf8}, {"[\x00\"\x00\xe9\x00\"\x00]\x00", syntax}, {"\x00[\x00\"\x00\xe9\x00\"\x00]", syntax}, {"\xe9", utf8}, {"\xe5", utf8}, {"[\xff]", utf8}, {"\u00e9", syntax}, {"[\u00e9]", syntax},
	{"[\v]", space}, {"[\f]", space}, {"\f[]", space}, {"[\v1]", space}, {"[1\v]", space}, {"[\u00a01]", space}, {"[1\u00a0]", space}, {"[\u20281]", space}, {"[1,\u30001]", space}, {"[\u0085]", space}, {"[1]\f", space}, {"[1]\u00a0", space}, {"{\u2003\"a\":1}", space},
	{"[\u2060]", syntax}, {"\u2060", syntax}, {"[\u200b]", syntax}, {"[\x00]", syntax}, {"\x00", syntax}, {"1\x00", trailing}, {"[1]\x00", trailing}, {"[\x08]", syntax}, {"\\u000A\"\"", syntax},
	{"[", incomplete}, {"[1", incomplete}, {"[1,", incomplete}, {"[,", syntax}, {"[[", incomplete}, {`["`, incomplete}, {`["a`, incomplete}, {`["a",`, incomplete}, {"[{", incomplete}, {"[\"\\", incomplete}, {"[\"\\{", syntax}, {"['", syntax}, {"[1\n,1\n,1", incomplete},
	{"[]]", trailing}, {"]", syntax}, {"[1]]", trailing}, {"[1}", syntax}, {"[}", syntax}, {"1]", trailing}, {"[1]x", trailing}, {"[1]#", trailing}, {"[][]", trailing}, {"[] {}", trailing}, {"1 2", trailing}, {"[1 2]", syntax}, {`["a" "b"]`, syntax}, {`["a",""],`, trailing},
	{"[,]", syntax}, {"[1,]", syntax}, {"[1,,2]", syntax}, {"[,1]", syntax}, {"[1,,]", syntax}, {`["a",]`, syntax}, {`["",]`, syntax}, {"[ , \"\"]", syntax}, {`[:1]`, syntax}, {`["a":1]`, syntax}, {"[;]", syntax}, {"[1;2]", syntax}, {"[*]", syntax}, {"*", syntax}, {"[<null>]", syntax},
	{"<.>", syntax}, {"[...]", syntax}, {"[undefined]", syntax}, {"[a]", syntax}, {"a", syntax}, {"['a']", syntax}, {"'a'", syntax}, {"[`a`]", syntax}, {"[\"a\" + \"b\"]", syntax}, {`"a`, incomplete}, {`"`, incomplete}, {`"a"b`, trailing}, {`"a""b"`, trailing}, {`""x`, trailing},
	{"{", incomplete}, {"{]", syntax}, {"{,", syntax}, {"{[", syntax}, {"{1", syntax}, {`{"`, incomplete}, {`{"a`, incomplete}, {`{"a"`, incomplete}, {`{"a":`, incomplete}, {`{"a":1`, incomplete}, {`{"a":1,`, incomplete}, {`{"a":"a`, incomplete}, {"{}}", trailing}, {"}", syntax},
	{`{"a"}`, syntax}, {`{"a":}`, syntax}, {`{"a" 1}`, syntax}, {`{"a",1}`, syntax}, {`{"a"::1}`, syntax}, {`{:1}`, syntax}, {`{"a":1,}`, syntax}, {`{"a":1,,}`, syntax}, {`{"a":1,,"b":2}`, syntax}, {`{,"a":1}`, syntax}, {`{"a":1 "b":2}`, syntax}, {`{"a":1;"b":2}`, syntax},
	{`{"a"=1}`, syntax}, {`{"a"=>1}`, syntax}, {`{a:1}`, syntax}, {`{'a':1}`, syntax}, {`{1:1}`, syntax}, {`{null:1}`, syntax}, {`{true:1}`, syntax}, {`{[]:1}`, syntax}, {`{{}:1}`, syntax}, {`{"a":1]`, syntax}, {`{"a":a}`, syntax}, {`{"a":1}}`, trailing}, {`{"a":1}x`, trailing},
	{`{"a":1}#`, trailing}, {`{"a":1} {"a":1}`, trailing}, {"{\U0001f1e8\U0001f1ed}", syntax}, {"{\"a\":\"b\"}#{}", trailing}, {"{\xb9:\"0\"}", utf8}, {`{"a":1 1}`, syntax}, {`{"a" "b"}`, syntax}, {`{"a":"b",c}`, syntax},
	{"[1]//", trailing}, {"// a\n[1]", syntax}, {"/* a */[1]", syntax}, {"[/* a */1]", syntax}, {"[1/* a */]", syntax}, {"[1 // a\n]", syntax}, {"# a\n[1]", syntax}, {"{/**/}", syntax}, {`{"a":1}/**/`, trailing}, {`{"a":1}/`, trailing}, {`{"a":/*b*/1}`, syntax},
	{`{"a":1,"a":1}`, twice}, {`{"a":1,"a":2}`, twice}, {`{"a":1,"b":2,"a":3}`, twice}, {`{"a":1,"\u0061":2}`, twice}, {`{"\u0061":1,"\u0061":2}`, twice}, {`{"":1,"":2}`, twice}, {`{"a":{"b":1,"b":2}}`, twice}, {`[{"a":1,"a":2}]`, twice}, {"{\"\u00e9\":1,\"\\u00e9\":2}", twice},
	{`{"a/b":1,"a\/b":2}`, twice}, {"{\"\U0001d11e\":1,\"\\ud834\\udd1e\":2}", twice}, {"{" + members(100) + `,"kx":2}`, twice}, {`{"a":null,"a":null}`, twice}, {`{"a":[],"a":{}}`, twice},
}
