package demo

import (
	"time"

	"postroom"
)

// Password is what everybody in the demo signs in with.
const Password = "postroom-demo"

// member is somebody of the sample team.
type member struct {
	key, name, email, zone string
	role                   postroom.Role
	boxes                  []string
}

var team = []member{
	{"ann", "Ann Moor", "ann@brightwater.example", "Europe/Berlin", postroom.Admin, nil},
	{"ben", "Ben Okafor", "ben@brightwater.example", "Europe/London", postroom.Member, []string{"help", "orders", "workshop"}},
	{"carla", "Carla Reyes", "carla@brightwater.example", "Europe/Madrid", postroom.Member, []string{"help", "orders"}},
	{"dov", "Dov Lindqvist", "dov@brightwater.example", "Europe/Stockholm", postroom.Member, []string{"workshop"}},
}

// mailbox is one of the sample company's addresses.
type mailbox struct {
	key, name, address, sender, signature string
	aliases                               []string
}

var mailboxes = []mailbox{
	{"help", "Help", "help@brightwater.example", "Brightwater Cycles",
		"<p>Brightwater Cycles<br>Quay Street 4, open Monday to Saturday</p>", []string{"support@brightwater.example"}},
	{"orders", "Orders", "orders@brightwater.example", "Brightwater Orders",
		"<p>Brightwater Cycles, Orders<br>We ship every weekday at three.</p>", []string{"shop@brightwater.example"}},
	{"workshop", "Workshop", "workshop@brightwater.example", "", "<p>The workshop at Brightwater Cycles</p>", nil},
}

// customer is somebody who writes to the sample company.
type customer struct{ key, name, address string }

var customers = []customer{
	{"mara", "Mara Lind", "mara.lind@fernmail.example"},
	{"tom", "Tom Achterberg", "tom@achterberg.example"},
	{"yuki", "田中 由紀", "yuki.tanaka@hanamail.example"},
	{"jose", "José Núñez", "jose.nunez@correo.example"},
	{"priya", "Priya Raman", "priya.raman@lattice.example"},
	{"olu", "Olu Adeyemi", "olu@adeyemi.example"},
	{"grete", "Grete Müßig", "grete.muessig@postfach.example"},
	{"sam", "Sam Whitlock", "sam.whitlock@fernmail.example"},
	{"nadia", "Nadia Haddad", "nadia@haddad-design.example"},
	{"piet", "Piet de Vries", "piet@devries.example"},
	{"elin", "Elin Åkesson", "elin.akesson@nordpost.example"},
	{"rowan", "Rowan Clarke", "rowan.clarke@hillside-school.example"},
	{"win", "Prize Department", "winner@lucky-draw.example"},
}

// story is one sample conversation: how it begins, and what follows.
type story struct {
	from, box string
	ago       time.Duration // before now, when it begins
	subject   string
	text      string
	html      string // "" for a plain mail
	files     []string
	steps     []step
}

// step is one thing that happens in a story, some time after the one before.
type step struct {
	after  time.Duration
	who    string // key of an agent; "" is the customer
	kind   stepKind
	text   string
	status postroom.Status // set with it; "" leaves it
	files  []string
}

type stepKind int

const (
	answers  stepKind = iota // the customer writes again
	away                     // the customer's mail program answers by itself
	replies                  // an agent replies
	notes                    // an agent adds a note
	assigns                  // an agent takes the conversation, or gives it to the one in text
	tags                     // an agent adds the tags in text, by commas
	statuses                 // an agent changes only the status
)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

func reply(after time.Duration, who, text string) step {
	return step{after: after, who: who, kind: replies, text: text}
}

func replyAnd(after time.Duration, who string, status postroom.Status, text string) step {
	return step{after: after, who: who, kind: replies, text: text, status: status}
}

func answer(after time.Duration, text string, files ...string) step {
	return step{after: after, kind: answers, text: text, files: files}
}

func note(after time.Duration, who, text string) step {
	return step{after: after, who: who, kind: notes, text: text}
}

func take(after time.Duration, who string) step {
	return step{after: after, who: who, kind: assigns, text: who}
}

func give(after time.Duration, who, to string) step {
	return step{after: after, who: who, kind: assigns, text: to}
}

func tag(after time.Duration, who, names string) step {
	return step{after: after, who: who, kind: tags, text: names}
}

func set(after time.Duration, who string, status postroom.Status) step {
	return step{after: after, who: who, kind: statuses, status: status}
}
