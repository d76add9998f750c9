package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// seal encrypts secrets and credentials at rest: AES-256-GCM under the master key. A record is the first four bytes of the key's
// fingerprint, a random nonce and the sealed text. What the record belongs to is bound in, so that one can't be moved to another row.
type seal struct {
	aead        cipher.AEAD
	fingerprint [sha256.Size]byte
	chain       []byte // the key of the chains of activities
}

const sealKeyID = 4

func newSeal(masterKey []byte) (*seal, error) {
	if len(masterKey) != 32 {
		return nil, fmt.Errorf("the master key must have 32 bytes, not %d", len(masterKey))
	}
	block, err := aes.NewCipher(masterKey)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	chain := hmac.New(sha256.New, masterKey)
	chain.Write([]byte("hookswitch chain of activities"))
	return &seal{aead: aead, fingerprint: sha256.Sum256(append([]byte("hookswitch master key\x00"), masterKey...)), chain: chain.Sum(nil)}, nil
}

// name is the fingerprint as people may see it.
func (s *seal) name() string { return hex.EncodeToString(s.fingerprint[:8]) }

func (s *seal) seal(plain []byte, owner string) []byte {
	out := make([]byte, sealKeyID+s.aead.NonceSize(), sealKeyID+s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	copy(out, s.fingerprint[:sealKeyID])
	nonce := out[sealKeyID:]
	if _, err := rand.Read(nonce); err != nil {
		panic(err) // crypto/rand does not fail
	}
	return s.aead.Seal(out, nonce, plain, []byte(owner))
}

var errSealed = errors.New("the record is not sealed under this master key, or has been altered")

func (s *seal) open(record []byte, owner string) ([]byte, error) {
	head := sealKeyID + s.aead.NonceSize()
	if len(record) < head || string(record[:sealKeyID]) != string(s.fingerprint[:sealKeyID]) {
		return nil, errSealed
	}
	plain, err := s.aead.Open(nil, record[sealKeyID:head], record[head:], []byte(owner))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}
