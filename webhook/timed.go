package webhook

import (
	"encoding/hex"
	"strconv"
	"time"
)

// ZavuHeader is the header that carries a timestamped hex signature.
const ZavuHeader = "X-Zavu-Signature"

// timedChars is room for a time and two digests.
const timedChars = 192

// SignTimed returns the value of the header, t=…,v1=…,v2=… as the scheme has
// it. t is the time of this attempt: receivers refuse old ones, so each retry
// is signed anew. The result is empty for the zero secret or an unknown scheme.
func SignTimed(scheme Scheme, t time.Time, body []byte, secret TextSecret) string {
	return string(secret.AppendSignature(make([]byte, 0, timedChars), scheme, t.Unix(), body))
}

// AppendSignature appends to dst what [SignTimed] returns, with the time given
// in unix seconds. It allocates nothing when dst has room.
func (s TextSecret) AppendSignature(dst []byte, scheme Scheme, unix int64, body []byte) []byte {
	if s.IsZero() || !scheme.known() {
		return dst
	}
	k := s.sealed.get()
	v1, v2 := schemes[scheme].v1, schemes[scheme].v2
	dst = append(dst, "t="...)
	dst = strconv.AppendInt(dst, unix, 10)
	if v1 != coversNothing {
		dst = append(dst, ",v1="...)
		dst = k.appendHex(dst, v1, unix, body)
	}
	if v2 == coversNothing {
		return dst
	}
	dst = append(dst, ",v2="...)
	if v1 == v2 {
		same := dst[len(dst)-len(",v2=")-hexChars : len(dst)-len(",v2=")]
		return append(dst, same...)
	}
	return k.appendHex(dst, v2, unix, body)
}

// appendHex appends one digest in lower-case hex.
func (k *textKey) appendHex(dst []byte, over covers, unix int64, body []byte) []byte {
	st := k.macs.get()
	defer k.macs.put(st)
	if over == coversTimeAndBody {
		st.buf = strconv.AppendInt(st.buf, unix, 10)
		st.buf = append(st.buf, '.')
	}
	return hex.AppendEncode(dst, st.sum(body))
}
