/** `verify/xmod.go`: checkpoint, tiles, range proofs and receipts, with the library of Go's checksum database. */
export const XMOD_GO = `// Verifies the pack with golang.org/x/mod/sumdb, the code behind Go's checksum database. Debian: golang-go, golang-golang-x-mod-dev.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run verify/xmod.go . "$(cat ledger/vkey)"
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
	if len(os.Args) != 3 {
		fail("usage: xmod PACK KEY")
	}
	pack := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	check("verifier key", err)
	tree := open(read(pack, "ledger/checkpoint"), verifier)
	fmt.Printf("signed by %s: %d entries\\n", verifier.Name(), tree.N)

	hashes := tlog.TileHashReader(tree, &tiles{filepath.Join(pack, "ledger")})
	leaves := bundles(pack, tree.N)
	for index, leaf := range leaves {
		proof, err := tlog.ProveRecord(tree.N, int64(index), hashes)
		check("proof from tiles", err)
		check("inclusion", tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(leaf)))
	}
	fmt.Printf("inclusion of %d entries from the tiles\\n", len(leaves))

	start, end := checkpoint(read(pack, "range/start"), verifier), checkpoint(read(pack, "range/end"), verifier)
	consistent(pack, "range/start-to-end.proof", start, end)
	consistent(pack, "range/end-to-signed.proof", end, tree)
	fmt.Printf("the period is entries %d to %d: %d entries\\n", start.N, end.N-1, end.N-start.N)
	if _, err := os.Stat(filepath.Join(pack, "range/kept")); err == nil {
		kept := open(read(pack, "range/kept"), verifier)
		consistent(pack, "range/kept-to-signed.proof", kept, tree)
		fmt.Printf("goes on from the kept checkpoint of %d entries\\n", kept.N)
	}

	receipts, err := filepath.Glob(filepath.Join(pack, "receipts/*.tlog-proof"))
	check("receipts", err)
	for _, path := range receipts {
		receipt(path, verifier)
	}
	fmt.Printf("%d receipts\\n", len(receipts))
}

func read(pack, name string) string {
	data, err := os.ReadFile(filepath.Join(pack, name))
	check(name, err)
	return string(data)
}

// open reads a signed note and the three lines of a checkpoint in it.
func open(signed string, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	check("signed note", err)
	return checkpoint(opened.Text, verifier)
}

// checkpoint reads origin, size and root; the ends of the period are unsigned and proven by consistency.
func checkpoint(text string, verifier note.Verifier) tlog.Tree {
	lines := strings.Split(text, "\\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		fail("this is no checkpoint of the log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check("size", err)
	root, err := tlog.ParseHash(lines[2])
	check("root", err)
	return tlog.Tree{N: size, Hash: root}
}

// consistent checks RFC 6962 section 2.1.2; from the empty tree there is nothing to prove.
func consistent(pack, name string, before, after tlog.Tree) {
	var proof tlog.TreeProof
	for _, line := range strings.Fields(read(pack, name)) {
		hash, err := tlog.ParseHash(line)
		check(name, err)
		proof = append(proof, hash)
	}
	if before.N == 0 {
		return
	}
	check(name, tlog.CheckTree(proof, after.N, after.Hash, before.N, before.Hash))
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
func bundles(pack string, size int64) [][]byte {
	var leaves [][]byte
	for first := int64(0); first < size; first += 256 {
		width := 256
		if size-first < 256 {
			width = int(size - first)
		}
		path := tlog.Tile{H: 8, L: 0, N: first / 256, W: width}.Path()
		data := []byte(read(pack, "ledger/"+strings.Replace(path, "tile/8/0/", "tile/entries/", 1)))
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
	parts := strings.SplitN(string(text), "\\n\\n", 2)
	lines := strings.Split(parts[0], "\\n")
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
	fmt.Fprintln(os.Stderr, "FAILED: "+why)
	os.Exit(1)
}
`;
