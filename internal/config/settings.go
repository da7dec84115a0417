package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Setting describes one setting for people.
type Setting struct {
	Name    string // as a flag, without dashes, and in the file
	Env     string
	Default string // "" for none
	Help    string
	Values  []string // the only possible values; nil for any
}

// List returns all settings in the order of Settings.
func List() []Setting {
	var out []Setting
	describe(reflect.TypeFor[Settings](), &out)
	return out
}

func describe(t reflect.Type, out *[]Setting) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			describe(f.Type, out)
			continue
		}
		s := Setting{Name: f.Tag.Get("name"), Env: f.Tag.Get("env"), Default: f.Tag.Get("default"), Help: f.Tag.Get("help")}
		if s.Name == "" {
			s.Name = flagName(f.Name)
		}
		if values := f.Tag.Get("enum"); values != "" {
			s.Values = strings.Split(values, ",")
		}
		*out = append(*out, s)
	}
}

// Names returns the names of all settings.
func Names() []string {
	var out []string
	for _, s := range List() {
		out = append(out, s.Name)
	}
	return out
}

// flagName turns "LogLevel" into "log-level" and "PublicURL" into
// "public-url", as the command line does.
func flagName(field string) string {
	var b strings.Builder
	for i, r := range field {
		upper := r >= 'A' && r <= 'Z'
		before := i > 0 && field[i-1] >= 'a' && field[i-1] <= 'z'
		if upper && before {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// Markdown returns the settings as a table for docs/settings.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| setting | environment | default | what it does |\n|---|---|---|---|\n")
	for _, s := range List() {
		def := s.Default
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Name, s.Env, def, strings.ReplaceAll(s.Help, "|", "\\|"))
	}
	return b.String()
}

// Values returns the value of each setting in words, by name.
func Values(s *Settings) map[string]string {
	out := map[string]string{}
	values(reflect.ValueOf(s).Elem(), out)
	return out
}

func values(v reflect.Value, out map[string]string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			values(v.Field(i), out)
			continue
		}
		name := f.Tag.Get("name")
		if name == "" {
			name = flagName(f.Name)
		}
		text := fmt.Sprint(v.Field(i).Interface())
		if list, ok := v.Field(i).Interface().([]string); ok {
			text = strings.Join(list, ",")
		}
		out[name] = text
	}
}
