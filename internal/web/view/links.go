package view

import (
	"net/url"
	"strconv"
	"strings"

	"postroom/internal/query"
)

// placeQuery is the part of a URL that says which list stands beside a
// conversation: "?folder=mine&mailbox=3", or "".
func placeQuery(p query.Place) string {
	v := url.Values{}
	if p.Folder != "" {
		v.Set("folder", p.Folder)
	}
	if p.Mailbox != 0 {
		v.Set("mailbox", id64(p.Mailbox))
	}
	if p.Sort != "" {
		v.Set("sort", p.Sort)
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// placeFields are the hidden fields by which a form keeps its place.
func placeFields(p query.Place) [][2]string {
	var out [][2]string
	if p.Folder != "" {
		out = append(out, [2]string{"folder", p.Folder})
	}
	if p.Mailbox != 0 {
		out = append(out, [2]string{"mailbox", id64(p.Mailbox)})
	}
	if p.Sort != "" {
		out = append(out, [2]string{"sort", p.Sort})
	}
	return out
}

// folderURL is a folder's page, over one mailbox (0: all), in an order ("":
// the folder's own), after or before a cursor.
func folderURL(folder string, mailbox int64, sort, direction, cursor string) string {
	v := url.Values{}
	if mailbox != 0 {
		v.Set("mailbox", id64(mailbox))
	}
	if sort != "" {
		v.Set("sort", sort)
	}
	if cursor != "" {
		v.Set(direction, cursor)
	}
	u := "/folders/" + folder
	if len(v) > 0 {
		u += "?" + v.Encode()
	}
	return u
}

// placeList is the list of a place.
func placeList(p query.Place) string {
	return folderURL(orElse(p.Folder, "mine"), p.Mailbox, p.Sort, "", "")
}

// placeKey tells lists apart: two pages with the same key share the list pane.
func placeKey(folder string, mailbox int64, sort string) string {
	folder = orElse(folder, "mine")
	return folder + " " + id64(mailbox) + " " + ownSort(folder, sort)
}

func conversationURL(number int64, p query.Place) string {
	return "/conversations/" + id64(number) + placeQuery(p)
}

func actURL(number int64, verb string) string {
	return "/conversations/" + id64(number) + "/" + verb
}

func whyURL(number, event int64) string {
	u := "/conversations/" + id64(number) + "/why"
	if event != 0 {
		u += "?at=" + id64(event) + "#event-" + id64(event)
	}
	return u
}

// whyOneURL is the page of what all workflows said to one event, from behind the
// first of them on.
func whyOneURL(number, event int64, from int) string {
	u := "/conversations/" + id64(number) + "/why?event=" + id64(event)
	if from > 0 {
		u += "&from=" + itoa(from)
	}
	return u
}

func mailURL(id int64) string { return "/mails/" + id64(id) }

func attachmentURL(a query.Attachment, inline bool) string {
	u := "/attachments/" + id64(a.ID) + "/" + url.PathEscape(a.Name)
	if inline {
		u += "?inline=1"
	}
	return u
}

// bodyURL is the document for a message's frame.
func bodyURL(id int64, images, quotes bool) string {
	v := url.Values{}
	if images {
		v.Set("images", "1")
	}
	if quotes {
		v.Set("quotes", "1")
	}
	u := "/messages/" + id64(id) + "/body"
	if len(v) > 0 {
		u += "?" + v.Encode()
	}
	return u
}

// filterURL is a log page with its filters: path and pairs of name and value;
// empty values are left out.
func filterURL(path string, pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" && pairs[i+1] != "0" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

func customerURL(address string) string { return "/demo/customers/" + url.PathEscape(address) }

func itoa(n int) string { return strconv.Itoa(n) }

// composeURL is the conversation with its form open, for those without a
// script.
func composeURL(s query.Shell, number int64, kind string) string {
	u := conversationURL(number, s.Place)
	if strings.Contains(u, "?") {
		return u + "&compose=" + kind
	}
	return u + "?compose=" + kind
}

// ownSort is the order where it is not the folder's own (query.Sorts).
func ownSort(folder, sort string) string {
	switch folder {
	case "closed", "spam", "drafts", "deleted":
		if sort == "newest" {
			return ""
		}
	case "snoozed":
		if sort == "wakes" {
			return ""
		}
	default:
		if sort == "waiting" {
			return ""
		}
	}
	return sort
}

// linkHost is what a link to another site shows: where it leads, without how.
func linkHost(link string) string {
	_, rest, ok := strings.Cut(link, "://")
	if !ok {
		return link
	}
	return strings.TrimPrefix(strings.TrimSuffix(rest, "/"), "www.")
}

// joined lists names in a sentence, the first of very many.
func joined(names []string) string {
	const most = 30
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
