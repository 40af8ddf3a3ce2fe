package remoting

// Flag bits (RemotingCommand.java: RPC_TYPE and RPC_ONEWAY).
const (
	FlagResponse int32 = 1 << 0 // a response; otherwise a request
	FlagOneway   int32 = 1 << 1 // the receiver must not answer
)

// Field is one pair of a header's extFields.
type Field struct{ Key, Value string }

// Command is one request or response with its own copies of everything: for what is rare, or for tests. What passes
// a thousand times a second is encoded by a [HeadEncoder] and read through a [Head] in place.
type Command struct {
	Serialize Serialize
	Code      int32 // a RequestCode, or a Code where Flag has FlagResponse
	Language  Language
	Version   int32 // MQVersion ordinal; 16 bits in the binary header
	Opaque    int32
	Flag      int32
	Remark    string  // "" stands for Java's null too: the binary header can't tell them apart
	Ext       []Field // written in this order; nil and empty are both "no fields"
	Body      []byte
}

// NewRequest is a request of ours, binary by default; opaque is the connection's to give.
func NewRequest(code RequestCode, ext ...Field) *Command {
	return &Command{Serialize: RocketMQ, Code: int32(code), Language: Go, Version: Version451, Ext: ext}
}

// Get returns an ext field's value and whether the field is there.
func (c *Command) Get(key string) (string, bool) {
	for i := range c.Ext {
		if c.Ext[i].Key == key {
			return c.Ext[i].Value, true
		}
	}
	return "", false
}

// Response reads the code of a response.
func (c *Command) Response() Code { return Code(c.Code) }

// Request reads the code of a request.
func (c *Command) Request() RequestCode { return RequestCode(c.Code) }
