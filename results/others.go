package results

import "strings"

// OtherTopics is what was put into a broker's other topics while a case ran, by the broker's count of all that it stored less what the
// queues of the case's topics grew by, whoever sent that. Half messages of transactions are another topic's.
type OtherTopics struct {
	Broker    string   `json:"broker"`
	Messages  *int64   `json:"messages"`          // about: the two are asked for one after the other; null: not known
	PerSecond *float64 `json:"per_second"`        // null: not known
	Unknown   string   `json:"unknown,omitempty"` // why, such as NotPermitted
}

// othersWords say at what rates brokers took messages of other topics during a case; "" where nobody asked.
func (c *Case) othersWords() string {
	var said []string
	for _, o := range c.Others {
		name := Printable(o.Broker) + " "
		switch {
		case o.PerSecond != nil:
			said = append(said, name+FormatRate(*o.PerSecond)+"/s")
		case o.Unknown != "":
			said = append(said, name+Printable(o.Unknown))
		}
	}
	return strings.Join(said, ", ")
}
