package directory

import (
	"context"
	"regexp"
	"strings"

	"postroom"
	"postroom/internal/store"
)

var color = regexp.MustCompile(`^(#[0-9a-f]{6})?$`)

// AddTag makes a tag. Its color is "#rrggbb" or "" for one the page chooses.
// Errors name the fields name and color; a name that is taken is
// postroom.Conflict.
func (d *Directory) AddTag(ctx context.Context, by *postroom.Agent, name, color string) (store.Tag, error) {
	if err := manage(by); err != nil {
		return store.Tag{}, err
	}
	tag, err := checkTag(name, color)
	if err != nil {
		return tag, err
	}
	if tag.ID, err = d.store.NewID(ctx); err != nil {
		return tag, err
	}
	return tag, d.write(ctx, KeyTags, func(t *store.Tx) error { return t.InsertTag(ctx, tag) })
}

// UpdateTag changes a tag's name and color, everywhere at once.
func (d *Directory) UpdateTag(ctx context.Context, by *postroom.Agent, id int64, name, color string) error {
	if err := manage(by); err != nil {
		return err
	}
	tag, err := checkTag(name, color)
	if err != nil {
		return err
	}
	tag.ID = id
	return d.write(ctx, KeyTags, func(t *store.Tx) error {
		tags, err := t.Tags(ctx)
		if err != nil {
			return err
		}
		for _, other := range tags {
			if other.Name == tag.Name && other.ID != id {
				return &postroom.Error{Code: postroom.Conflict, Field: "name", Text: "There is a tag with this name already."}
			}
		}
		if _, err := t.Tag(ctx, id); err != nil {
			return err
		}
		return t.UpdateTag(ctx, tag)
	})
}

// Tags lists all tags by name.
func (d *Directory) Tags(ctx context.Context) ([]store.Tag, error) { return d.store.Read().Tags(ctx) }

func checkTag(name, c string) (store.Tag, error) {
	name, err := line("name", "the tag's name", name, maxTag, true)
	if err != nil {
		return store.Tag{}, err
	}
	if strings.Contains(name, ",") {
		return store.Tag{}, postroom.InvalidField("name", "A tag has no comma; commas separate tags.")
	}
	c = strings.ToLower(c)
	if !color.MatchString(c) {
		return store.Tag{}, postroom.InvalidField("color", "A color looks like #2a7fff.")
	}
	return store.Tag{Name: name, Color: c}, nil
}
