package message

import (
	"errors"
	"strings"
	"testing"

	"rmqbench/internal/vectors"
)

func TestVectorValidation(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, Kind, Value                                               string
		BrokerValid, ClientSendOk, ClientOk, SystemTopic, SendForbidden bool
	}](t, "validation.json") {
		t.Run(tt.Name, func(t *testing.T) {
			check := func(what string, got error, want bool) {
				var bad *NameError
				if (got == nil) != want {
					t.Errorf("%s(%q) = %v, want it to be right: %v", what, tt.Value, got, want)
				} else if got != nil && (!errors.As(got, &bad) || bad.Name != tt.Value || bad.What != tt.Kind || bad.Allowed == "") {
					t.Errorf("%s(%q) = %#v", what, tt.Value, got)
				}
			}
			switch tt.Kind {
			case "topic":
				check("CheckBrokerTopic", CheckBrokerTopic(tt.Value), tt.BrokerValid)
				check("CheckSendTopic", CheckSendTopic(tt.Value), tt.ClientSendOk)
				if got := IsSystemTopic(tt.Value); got != tt.SystemTopic {
					t.Errorf("IsSystemTopic(%q) = %v, want %v", tt.Value, got, tt.SystemTopic)
				}
				if got := SendForbidden(tt.Value); got != tt.SendForbidden {
					t.Errorf("SendForbidden(%q) = %v, want %v", tt.Value, got, tt.SendForbidden)
				}
			case "group":
				check("CheckGroup", CheckGroup(tt.Value), tt.ClientOk)
				check("CheckGroup", CheckGroup(tt.Value), tt.BrokerValid)
			default:
				t.Errorf("unknown kind %q", tt.Kind)
			}
		})
	}
}

func TestCheckNamesSayWhatIsAllowed(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{CheckTopic("\t "), "is blank: letters and digits"},
		{CheckTopic("a.b"), `topic "a.b" holds other characters than allowed: letters and digits`},
		{CheckTopic(strings.Repeat("t", 128)), "at most 127 characters, not 128"},
		{CheckBrokerTopic(DLQPrefix + strings.Repeat("g", 251)), "at most 255 characters, not 256"},
		{CheckSendTopic(HalfTopic), "is a broker's own"},
		{CheckGroup(strings.Repeat("g", 121)), "at most 120 characters, not 121"},
		{CheckProducerGroup(DefaultProducerGroup), "is the default group's name"},
		{CheckProducerGroup(""), `group "" is blank`},
		{CheckBody(0, 0), "the body is empty"},
		{CheckBody(MaxBodyLen+1, 0), "has 4194305 bytes: at most 4194304 are allowed"},
		{CheckBody(11, 10), "at most 10 are allowed"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%v, want an error with %q", tt.err, tt.want)
		}
	}
	for _, err := range []error{
		CheckTopic(DefaultTopic), CheckTopic(strings.Repeat("t", 127)), CheckBrokerTopic(RetryPrefix + strings.Repeat("g", 248)),
		CheckProducerGroup("g"), CheckBody(1, 0), CheckBody(MaxBodyLen, 0),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}
