package app

import "sync"

// dots remembers which mails came to their final dot, beyond the death of the
// process. The database says durably that a mail's dot is next; between that
// commit and the dot itself lies a moment, and a process that is killed in it
// would leave a mail uncertain that was certainly not sent. What is noted here
// costs no sync: it lies in memory that is shared with a file, which outlives a
// kill, though not a power cut; so what was noted under another boot of the
// machine is not believed. Where there is no such memory, or no room in it,
// nothing is noted, and the mail is uncertain as it would be without.
type dots struct {
	mu    sync.Mutex
	notes notes
	open  map[dotKey]int  // slots of this process, begun and not ended
	left  map[dotKey]dead // what a dead process left
	free  []int
}

type dotKey struct{ mail, lease int64 }

// dead is what is known of a mail whose process died.
type dead struct {
	slot    int
	reached bool // the dot was next
}

// notes are slots that outlive the process; a slot is written whole or not at
// all.
type notes interface {
	set(slot int, mail, lease int64)
	reach(slot int)
	clear(slot int)
	close() error
}

// dotSlots is how many mails can be noted at a time, many more than there are
// workers.
const dotSlots = 512

// Begin notes that a mail will come to its dot under a lease.
func (d *dots) Begin(mail, lease int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.free) == 0 {
		return
	}
	slot := d.free[len(d.free)-1]
	d.free = d.free[:len(d.free)-1]
	d.notes.set(slot, mail, lease)
	d.open[dotKey{mail, lease}] = slot
}

// Reach notes that the dot is written next; on an error it must not be.
func (d *dots) Reach(mail, lease int64) error {
	d.mu.Lock()
	slot, noted := d.open[dotKey{mail, lease}]
	d.mu.Unlock()
	if noted {
		d.notes.reach(slot) // the last thing before the dot: no lock, no system call
	}
	return nil
}

// End forgets what was noted of a mail under a lease, because the database
// knows what became of it.
func (d *dots) End(mail, lease int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := dotKey{mail, lease}
	slot, noted := d.open[k]
	if !noted {
		was, left := d.left[k]
		if !left {
			return
		}
		slot = was.slot
	}
	delete(d.open, k)
	delete(d.left, k)
	d.notes.clear(slot)
	d.free = append(d.free, slot)
}

// Unwritten reports that a mail's process died under a lease before it wrote
// the dot.
func (d *dots) Unwritten(mail, lease int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	was, known := d.left[dotKey{mail, lease}]
	return known && !was.reached
}

// Left returns the mails that a dead process left notes of, with the lease of
// each.
func (d *dots) Left() map[int64]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := map[int64]int64{}
	for k := range d.left {
		left[k.mail] = max(left[k.mail], k.lease)
	}
	return left
}

// Close gives the memory back; nothing is noted afterwards.
func (d *dots) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.free, d.open, d.left = nil, nil, nil
	if d.notes == nil {
		return nil
	}
	err := d.notes.close()
	d.notes = nil
	return err
}
