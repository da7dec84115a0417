package email

// References returns the References of an answer to a mail with this id and
// these References (O2, RFC 5322 3.6.4): its References, then its id. Above 10
// ids or 900 bytes the first and the newest are kept. Ids are without
// brackets; malformed ones are left out.
func References(references []string, id string) []string {
	var ids []string
	seen := map[string]bool{}
	for _, r := range append(append([]string{}, references...), id) {
		if c := CanonicalID(r); c != "" && checkID(r) == nil && !seen[c] {
			seen[c] = true
			ids = append(ids, r)
		}
	}
	// The id answered stands last, also when it was cited before.
	if n := len(ids); n > 1 && CanonicalID(ids[n-1]) != CanonicalID(id) && checkID(id) == nil && id != "" {
		for i, r := range ids {
			if CanonicalID(r) == CanonicalID(id) {
				ids = append(append(append([]string{}, ids[:i]...), ids[i+1:]...), r)
				break
			}
		}
	}
	const maxCount, maxBytes = 10, 900
	for len(ids) > 2 && (len(ids) > maxCount || idBytes(ids) > maxBytes) {
		ids = append(ids[:1:1], ids[2:]...)
	}
	return ids
}

func idBytes(ids []string) int {
	n := 0
	for _, id := range ids {
		n += len(id) + 3
	}
	return n
}
