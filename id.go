package hookswitch

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Key is the 64-bit identity of a stored thing inside the gateway. From its high bits to its low ones: 41 bits of
// milliseconds since 2024-01-01, 10 bits of node number, 12 bits of sequence. Keys made later sort later.
// The zero Key means none.
type Key int64

const (
	keyEpoch   = 1704067200000 // 2024-01-01T00:00:00Z in Unix milliseconds
	keySeqBits = 12
	keyLowBits = 22 // node and sequence
	// MaxNode is the largest node number a Key can carry.
	MaxNode = 1<<(keyLowBits-keySeqBits) - 1
)

// Time is the millisecond at which k was made.
func (k Key) Time() time.Time { return time.UnixMilli(k.Millis()).UTC() }

// Millis is the Unix millisecond at which k was made.
func (k Key) Millis() int64 { return int64(k)>>keyLowBits + keyEpoch }

// Node is the number of the node that made k.
func (k Key) Node() int { return int(k>>keySeqBits) & MaxNode }

// KeyAt is the smallest Key of the millisecond of t, or the nearest there is for a time that keys do not reach. It bounds ranges of keys by time.
func KeyAt(t time.Time) Key {
	return Key(min(max(t.UnixMilli()-keyEpoch, -1<<41), 1<<41-1) << keyLowBits)
}

// Keys makes the keys of one node: strictly increasing, never behind the clock. It may be used from many goroutines.
type Keys struct {
	node Key
	now  func() time.Time

	mu   sync.Mutex
	last Key // milliseconds and sequence without the node
}

// NewKeys returns the maker of keys for node, which must lie between 0 and MaxNode.
func NewKeys(node int, now func() time.Time) *Keys {
	if node < 0 || node > MaxNode {
		panic("hookswitch: node number " + strconv.Itoa(node) + " does not fit a key")
	}
	return &Keys{node: Key(node) << keySeqBits, now: now}
}

// Next returns a new key: the larger of the clock and one more than the last.
func (ks *Keys) Next() Key {
	clock := Key(ks.now().UnixMilli()-keyEpoch) << keySeqBits
	ks.mu.Lock()
	if clock > ks.last {
		ks.last = clock
	} else {
		ks.last++
	}
	v := ks.last
	ks.mu.Unlock()
	return v>>keySeqBits<<keyLowBits | ks.node | v&(1<<keySeqBits-1)
}

// Kind tells what an id names. Two kinds may share a prefix (a chat message and an event are both msg_ outside); their
// ids still differ, and one is never taken for the other.
type Kind uint8

// The kinds of ids and, behind each, its prefix.
const (
	KindApp          Kind = 1 + iota // app_
	KindProject                      // prj_: an App in the Zavu-shaped API
	KindEndpoint                     // ep_
	KindEvent                        // msg_
	KindAttempt                      // atmpt_
	KindTask                         // qtask_
	KindSender                       // snd_
	KindRoute                        // rte_
	KindContact                      // con_
	KindConversation                 // conv_
	KindMessage                      // msg_
	KindAPIKey                       // key_
	KindOrganization                 // org_
	KindTemplate                     // tpl_
	KindInvitation                   // inv_
	KindAttachment                   // att_
	KindIntegration                  // integ_
	KindToken                        // key_
	KindDraft                        // drf_
	KindStray                        // stray_
	KindClient                       // cli_
	KindIdentifier                   // cch_: a channel of a contact in the Zavu-shaped API
	KindDialogue                     // dlg_: a USSD session or a call
	kindEnd
)

var kindPrefix = [kindEnd]string{
	KindApp: "app_", KindProject: "prj_", KindEndpoint: "ep_", KindEvent: "msg_", KindAttempt: "atmpt_", KindTask: "qtask_",
	KindSender: "snd_", KindRoute: "rte_", KindContact: "con_", KindConversation: "conv_", KindMessage: "msg_",
	KindAPIKey: "key_", KindOrganization: "org_", KindTemplate: "tpl_", KindInvitation: "inv_", KindAttachment: "att_",
	KindIntegration: "integ_", KindToken: "key_", KindDraft: "drf_", KindStray: "stray_", KindIdentifier: "cch_", KindClient: "cli_", KindDialogue: "dlg_",
}

// Prefix is the text before the 27 characters of an id of this kind, underscore included.
func (k Kind) Prefix() string { return kindPrefix[k] }

// IDs turns keys into the ids that people and programs outside see, and back. An id is its kind's prefix and 27 base62
// characters: the key, and a 96-bit code over kind and key under a secret, so that ids sort as keys do and nobody can
// guess one. It may be used from many goroutines.
type IDs struct{ block cipher.Block }

// NewIDs returns the ids made under key, which has 32 bytes and must stay the same for the life of a database.
func NewIDs(key []byte) (*IDs, error) {
	block, err := aes.NewCipher(key)
	if err != nil || len(key) != 32 {
		return nil, &Error{Kind: Internal, Message: "the id key must have 32 bytes", Err: err}
	}
	return &IDs{block: block}, nil
}

const idLen = 27

// raw is the 160-bit body of an id: key, then code. One AES block over (kind, key) is a pseudo-random function of a
// fixed-length input; its first 12 bytes are the code.
func (ids *IDs) raw(kind Kind, key Key) (body [20]byte) {
	var in [16]byte
	in[0] = byte(kind)
	binary.BigEndian.PutUint64(in[8:], uint64(key))
	binary.BigEndian.PutUint64(body[:8], uint64(key))
	ids.block.Encrypt(in[:], in[:])
	copy(body[8:], in[:12])
	return body
}

// Format is the id of key as a thing of kind. The zero Key gives "".
func (ids *IDs) Format(kind Kind, key Key) string {
	if key == 0 {
		return ""
	}
	var buf [8 + idLen]byte
	return string(ids.Append(buf[:0], kind, key))
}

// Append appends the id of key to dst.
func (ids *IDs) Append(dst []byte, kind Kind, key Key) []byte {
	dst = append(dst, kindPrefix[kind]...)
	return appendBase62(dst, ids.raw(kind, key))
}

// Parse is the key that id names as a thing of kind. It reports false for anything that Format would not have made.
func (ids *IDs) Parse(kind Kind, id string) (Key, bool) {
	text, ok := strings.CutPrefix(id, kindPrefix[kind])
	if !ok {
		return 0, false
	}
	return ids.parseBody(kind, text)
}

func (ids *IDs) parseBody(kind Kind, text string) (Key, bool) {
	body, ok := parseBase62(text)
	if !ok {
		return 0, false
	}
	key := Key(binary.BigEndian.Uint64(body[:8]))
	want := ids.raw(kind, key)
	if key <= 0 || subtle.ConstantTimeCompare(body[:], want[:]) != 1 {
		return 0, false
	}
	return key, true
}

// FormatEnvelope is the id of an event inside Zavu's envelope, evt_<milliseconds>_<27 characters>. It names the same key as the
// event's msg_ id.
func (ids *IDs) FormatEnvelope(key Key) string {
	dst := make([]byte, 0, 4+13+1+idLen)
	dst = append(dst, "evt_"...)
	dst = strconv.AppendInt(dst, key.Millis(), 10)
	dst = append(dst, '_')
	return string(appendBase62(dst, ids.raw(KindEvent, key)))
}

// ParseEnvelope is the key of an event named as FormatEnvelope does.
func (ids *IDs) ParseEnvelope(id string) (Key, bool) {
	ms, text, ok := strings.Cut(strings.TrimPrefix(id, "evt_"), "_")
	if !ok || !strings.HasPrefix(id, "evt_") {
		return 0, false
	}
	key, ok := ids.parseBody(KindEvent, text)
	if !ok || ms != strconv.FormatInt(key.Millis(), 10) {
		return 0, false
	}
	return key, true
}

// FormatHex is the id of key as 32 hexadecimal digits, for an API whose ids have no prefix. It says nothing about the id that Format gives.
func (ids *IDs) FormatHex(kind Kind, key Key) string {
	block := hexBlock(kind, key)
	ids.block.Encrypt(block[:], block[:])
	return hex.EncodeToString(block[:])
}

// ParseHex is the key that an id made by FormatHex names as a thing of kind. It reports false for anything that FormatHex would not have made.
func (ids *IDs) ParseHex(kind Kind, id string) (Key, bool) {
	var block [16]byte
	if n, err := hex.Decode(block[:], []byte(id[:min(len(id), 32)])); err != nil || n != len(block) || len(id) != 32 || strings.ToLower(id) != id {
		return 0, false
	}
	ids.block.Decrypt(block[:], block[:])
	key := Key(binary.BigEndian.Uint64(block[8:]))
	return key, key > 0 && block == hexBlock(kind, key)
}

// hexBlock is what FormatHex encrypts: a block that raw never does.
func hexBlock(kind Kind, key Key) (block [16]byte) {
	block[0], block[1] = byte(kind), 1
	binary.BigEndian.PutUint64(block[8:], uint64(key))
	return block
}

const (
	base62     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base62Pow5 = 62 * 62 * 62 * 62 * 62
)

var base62Digit = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range len(base62) {
		t[base62[i]] = int8(i)
	}
	return t
}()

// appendBase62 writes 160 bits as 27 digits, five digits a division.
func appendBase62(dst []byte, body [20]byte) []byte {
	var words [5]uint32
	for i := range words {
		words[i] = binary.BigEndian.Uint32(body[4*i:])
	}
	var out [30]byte
	for at := len(out); at > 0; at -= 5 {
		var rem uint64
		for i, w := range words {
			v := rem<<32 | uint64(w)
			words[i] = uint32(v / base62Pow5)
			rem = v % base62Pow5
		}
		for d := 1; d <= 5; d++ {
			out[at-d] = base62[rem%62]
			rem /= 62
		}
	}
	return append(dst, out[len(out)-idLen:]...)
}

func parseBase62(text string) (body [20]byte, ok bool) {
	if len(text) != idLen {
		return body, false
	}
	var words [5]uint32
	for i := range len(text) {
		d := base62Digit[text[i]]
		if d < 0 {
			return body, false
		}
		carry := uint64(d)
		for w := len(words) - 1; w >= 0; w-- {
			v := uint64(words[w])*62 + carry
			words[w], carry = uint32(v), v>>32
		}
		if carry != 0 {
			return body, false
		}
	}
	for i, w := range words {
		binary.BigEndian.PutUint32(body[4*i:], w)
	}
	return body, true
}
