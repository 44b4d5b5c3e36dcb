// Verifies a published ledger with golang.org/x/mod/sumdb, the code behind Go's checksum database: it knows nothing of
// Keyturn. Everything is read from the folder: checkpoint, tiles, bundles, receipts. Exit code 0 means that all of it holds.
//
//	GO111MODULE=off GOPATH=$PWD/gopath:/usr/share/gocode go build -o xmod .
//	./xmod DIR VKEY [OLDER CHECKPOINT]
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) < 3 {
		fail("usage: xmod DIR VKEY [OLDER CHECKPOINT]")
	}
	dir, vkey := os.Args[1], os.Args[2]
	verifier, err := note.NewVerifier(vkey)
	check("verifier key", err)
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	check("checkpoint", err)
	tree := open(string(signed), verifier)
	hashes := tlog.TileHashReader(tree, &tiles{dir})

	leaves := bundles(dir, tree.N)
	for index, leaf := range leaves {
		proof, err := tlog.ProveRecord(tree.N, int64(index), hashes)
		check("proof from tiles", err)
		check("inclusion", tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(leaf)))
	}
	fmt.Printf("inclusion of %d entries\n", len(leaves))

	if len(os.Args) > 3 {
		older, err := os.ReadFile(os.Args[3])
		check("older checkpoint", err)
		before := open(string(older), verifier)
		proof, err := tlog.ProveTree(tree.N, before.N, hashes)
		check("consistency from tiles", err)
		check("consistency", tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash))
		fmt.Printf("consistency from %d to %d\n", before.N, tree.N)
	}

	receipts, err := filepath.Glob(filepath.Join(dir, "*.tlog-proof"))
	check("receipts", err)
	for _, path := range receipts {
		receipt(path, verifier)
	}
	fmt.Printf("%d receipts\n", len(receipts))
}

// open reads a signed note and the three lines of a checkpoint in it.
func open(signed string, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	check("signed note", err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		fail("the note is no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check("size", err)
	root, err := tlog.ParseHash(lines[2])
	check("root", err)
	return tlog.Tree{N: size, Hash: root}
}

// tiles reads hash tiles of height 8; x/mod names the height in a path, C2SP tlog-tiles does not.
type tiles struct{ dir string }

func (t *tiles) Height() int                         { return 8 }
func (t *tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(t.dir, strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

// bundles reads all entries: each after its length in two bytes.
func bundles(dir string, size int64) [][]byte {
	var leaves [][]byte
	for first := int64(0); first < size; first += 256 {
		width := int(size - first)
		if width > 256 {
			width = 256
		}
		// The path of an entry bundle is that of a level 0 tile, with another name for the level.
		path := tlog.Tile{H: 8, L: 0, N: first / 256, W: width}.Path()
		data, err := os.ReadFile(filepath.Join(dir, strings.Replace(path, "tile/8/0/", "tile/entries/", 1)))
		check("bundle", err)
		for len(data) > 0 {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				fail("a bundle is cut")
			}
			length := int(binary.BigEndian.Uint16(data))
			leaves = append(leaves, data[2:2+length])
			data = data[2+length:]
		}
	}
	if int64(len(leaves)) != size {
		fail("the bundles do not hold as many entries as the checkpoint")
	}
	return leaves
}

// receipt checks a C2SP tlog-proof that carries its leaf.
func receipt(path string, verifier note.Verifier) {
	text, err := os.ReadFile(path)
	check("receipt", err)
	parts := strings.SplitN(string(text), "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if len(parts) != 2 || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		fail(path + " is no receipt")
	}
	leaf, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	check("leaf", err)
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	check("index", err)
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		check("hash", err)
		proof = append(proof, hash)
	}
	tree := open(parts[1], verifier)
	check("receipt "+path, tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)))
}

func check(what string, err error) {
	if err != nil {
		fail(what + ": " + err.Error())
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
