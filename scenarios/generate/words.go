package generate

import "strings"

// The lists are short: uniqueness comes from the name of the profile. Some
// words are beyond ASCII, and beyond the Latin script, since receivers see
// both.
var (
	women = []string{"Lorraine", "Jennifer", "Clara", "Zoë", "Aïcha", "María", "Ayşe", "Søs", "Łucja", "Chloé", "Ingrid", "Nadia", "さくら", "Αθηνά", "Ольга", "Grace"}
	men   = []string{"Marty", "Emmett", "George", "Dave", "Jürgen", "José", "Çağlar", "Åke", "Łukasz", "François", "Tomáš", "Omar", "蓮", "Νίκος", "Дмитрий", "Seamus"}

	lastNames = []string{"McFly", "Brown", "Baines", "Parker", "Müller", "García", "Yılmaz", "Sørensen", "Kowalczyk", "Lefèvre", "Nováková", "Nguyễn",
		"O'Neill", "佐藤", "Παπαδοπούλου", "Иванова", "Strickland", "Peabody", "D'Angelo", "Van der Berg"}

	// countries are calling codes of two digits.
	countries = []string{"30", "31", "33", "34", "39", "45", "48", "49", "81", "90"}
)

// city is a place to live, with the form of its postal codes.
type city struct {
	name, country, postal string
	latitude, longitude   float64
	streets               []string
}

var cities = []city{
	{"Hill Valley", "US", "95###", 39.2, -121.0, []string{"Lyon Drive", "Riverside Drive", "Main Street"}},
	{"München", "DE", "80###", 48.1374, 11.5755, []string{"Lindwurmstraße", "Gärtnerplatz", "Schellingstraße"}},
	{"Zürich", "CH", "80##", 47.3769, 8.5417, []string{"Bahnhofstrasse", "Langstrasse"}},
	{"Kraków", "PL", "30-###", 50.0647, 19.945, []string{"Floriańska", "Długa"}},
	{"Malmö", "SE", "211 ##", 55.605, 13.0038, []string{"Södergatan", "Amiralsgatan"}},
	{"İstanbul", "TR", "34###", 41.0082, 28.9784, []string{"İstiklal Caddesi", "Bağdat Caddesi"}},
	{"São Paulo", "BR", "01###-###", -23.5505, -46.6333, []string{"Rua Augusta", "Avenida Ipiranga"}},
	{"Αθήνα", "GR", "10# ##", 37.9838, 23.7275, []string{"Ερμού", "Πατησίων"}},
	{"東京", "JP", "10#-00##", 35.6762, 139.6503, []string{"神田", "青山通り"}},
	{"Montréal", "CA", "H2X #Y#", 45.5019, -73.5674, []string{"Rue Saint-Denis", "Avenue du Parc"}},
	{"A Coruña", "ES", "150##", 43.3623, -8.4115, []string{"Rúa Real", "Calle Juan Flórez"}},
	{"Dublin", "IE", "D0# X2##", 53.3498, -6.2603, []string{"Grafton Street", "Camden Street"}},
}

// plain spells letters the way addresses do; the other scripts of the lists
// are transcribed whole.
var plain = strings.NewReplacer(
	"ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "ë", "e", "ï", "i", "í", "i", "ı", "i", "ş", "s", "š", "s", "ø", "o", "å", "a", "ł", "l",
	"é", "e", "è", "e", "ễ", "e", "á", "a", "ç", "c", "ğ", "g",
	"さくら", "sakura", "蓮", "ren", "佐藤", "sato", "αθηνά", "athina", "νίκος", "nikos", "παπαδοπούλου", "papadopoulou",
	"ольга", "olga", "дмитрий", "dmitri", "иванова", "ivanova",
)
