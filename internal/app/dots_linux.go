package app

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// The file begins with the boot's id; a slot has three words: mail, lease, and
// a state that is written last and cleared first.
const (
	dotHeader = 64
	dotWords  = 3
	dotSize   = dotHeader + dotSlots*dotWords*8

	dotFree    = 0
	dotBegun   = 1
	dotReached = 2
)

// openDots opens the file in a data folder and reads what a dead process left.
func openDots(dir string) (_ *dots, err error) {
	d := &dots{open: map[dotKey]int{}, left: map[dotKey]dead{}}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return d, nil
	}
	header := make([]byte, dotHeader)
	copy(header, bytes.TrimSpace(boot))
	f, err := os.OpenFile(filepath.Join(dir, "dots"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }() // the memory stays
	if err := prepareDots(f, header); err != nil {
		return nil, err
	}
	memory, err := syscall.Mmap(int(f.Fd()), 0, dotSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return d, nil // a file system without shared memory: nothing is noted
	}
	m := &mappedNotes{memory}
	d.notes = m
	for slot := range dotSlots {
		k, state := m.get(slot)
		if state == dotFree {
			d.free = append(d.free, slot)
			continue
		}
		d.left[k] = dead{slot, state != dotBegun}
	}
	return d, nil
}

// prepareDots makes the file anew unless it is of this boot. It is written in
// full, so that its memory has room on the disk.
func prepareDots(f *os.File, header []byte) error {
	old := make([]byte, dotHeader)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := f.ReadAt(old, 0); err == nil && bytes.Equal(old, header) && info.Size() == dotSize {
		return nil
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(header, make([]byte, dotSize-dotHeader)...), 0)
	return err
}

// mappedNotes are notes in memory shared with a file. A kill ends a process
// between two instructions: what was stored before stays.
type mappedNotes struct{ memory []byte }

func (m *mappedNotes) word(slot, n int) []byte {
	return m.memory[dotHeader+(slot*dotWords+n)*8:][:8]
}

func (m *mappedNotes) get(slot int) (k dotKey, state byte) {
	return dotKey{int64(binary.LittleEndian.Uint64(m.word(slot, 0))), int64(binary.LittleEndian.Uint64(m.word(slot, 1)))}, m.word(slot, 2)[0]
}

func (m *mappedNotes) set(slot int, mail, lease int64) {
	binary.LittleEndian.PutUint64(m.word(slot, 0), uint64(mail))
	binary.LittleEndian.PutUint64(m.word(slot, 1), uint64(lease))
	m.state(slot, dotBegun)
}

func (m *mappedNotes) reach(slot int) { m.state(slot, dotReached) }
func (m *mappedNotes) clear(slot int) { m.state(slot, dotFree) }
func (m *mappedNotes) close() error   { return syscall.Munmap(m.memory) }

// state is a call of its own, so that the compiler keeps the order of stores.
//
//go:noinline
func (m *mappedNotes) state(slot int, s byte) { m.word(slot, 2)[0] = s }
