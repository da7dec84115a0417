package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"postroom"
)

// File is what a file of settings says: the text of each setting by its name.
type File struct {
	Path   string
	values map[string]string
}

// ReadFile reads a file of settings. A setting that does not exist and a line
// that is none are postroom.Invalid and the sentence names the line; a file
// that cannot be read is postroom.Invalid too, since the setting "config" is
// wrong then.
func ReadFile(path string) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, invalid("config", "%v", err)
	}
	f := &File{Path: path, values: map[string]string{}}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if trimmed := bytes.TrimSpace(b); len(trimmed) > 0 && trimmed[0] == '{' {
		return f, f.readJSON(trimmed)
	}
	return f, f.readLines(string(b))
}

func (f *File) readLines(text string) error {
	for i, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' || l[0] == ';' {
			continue
		}
		name, value, ok := strings.Cut(l, "=")
		if !ok {
			return f.wrong(i+1, "%q is not like name = value", l)
		}
		value = strings.TrimSpace(value)
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			unquoted, err := strconv.Unquote(value)
			if err != nil {
				return f.wrong(i+1, "the quotes of %s cannot be understood", strings.TrimSpace(name))
			}
			value = unquoted
		}
		if err := f.set(i+1, name, value); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) readJSON(b []byte) error {
	var values map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&values); err != nil {
		return f.wrong(0, "%v", err)
	}
	for name, v := range values {
		text := ""
		switch v := v.(type) {
		case string:
			text = v
		case bool, json.Number:
			text = fmt.Sprint(v)
		case []any:
			parts := make([]string, 0, len(v))
			for _, p := range v {
				parts = append(parts, fmt.Sprint(p))
			}
			text = strings.Join(parts, ",")
		default:
			return f.wrong(0, "%s is neither a text, a number, a yes or no, nor a list", name)
		}
		if err := f.set(0, name, text); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) set(line int, name, value string) error {
	name = strings.ReplaceAll(strings.TrimSpace(name), "_", "-")
	if name == "config" || !slices.Contains(Names(), name) {
		return f.wrong(line, "there is no setting %q", name)
	}
	if _, twice := f.values[name]; twice {
		return f.wrong(line, "%s is set twice", name)
	}
	f.values[name] = value
	return nil
}

func (f *File) wrong(line int, format string, args ...any) error {
	where := f.Path
	if line > 0 {
		where = fmt.Sprintf("%s, line %d", f.Path, line)
	}
	return postroom.InvalidField("config", "The file of settings is wrong (%s): %s.", where, fmt.Sprintf(format, args...))
}

// Value returns what the file says of a setting.
func (f *File) Value(name string) (text string, ok bool) {
	if f == nil {
		return "", false
	}
	text, ok = f.values[name]
	return text, ok
}

// PathIn returns the file of settings that a command line or the environment
// names, "" if there is none. It is needed before the rest can be understood.
func PathIn(args []string, getenv func(string) string) string {
	path := getenv(Env("config"))
	for i, a := range args {
		if a == "--" {
			break
		}
		if value, ok := strings.CutPrefix(a, "--config="); ok {
			path = value
		}
		if a == "--config" && i+1 < len(args) {
			path = args[i+1]
		}
	}
	return path
}
