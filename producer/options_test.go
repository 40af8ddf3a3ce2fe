package producer

import (
	"os"
	"strconv"
	"testing"
	"time"
)

func TestOptionsDefaults(t *testing.T) {
	zero := Options{}.withDefaults()
	for name, tt := range map[string]struct{ got, want any }{
		"sendMsgTimeout":                      {zero.SendTimeout, 3 * time.Second},
		"retryTimesWhenSendFailed":            {zero.Retries, 2},
		"retryTimesWhenSendAsyncFailed":       {zero.AsyncRetries, 2},
		"retryAnotherBrokerWhenNotStoreOK":    {zero.RetryNotOK, false},
		"compressMsgBodyOverHowmuch":          {zero.CompressOver, 4096},
		"compressLevel":                       {zero.CompressLevel, 5},
		"maxMessageSize":                      {zero.MaxBody, 4 << 20},
		"createTopicKey":                      {zero.DefaultTopic, "TBW102"},
		"defaultTopicQueueNums":               {zero.DefaultTopicQueues, 4},
		"pollNameServerInterval":              {zero.RouteEvery, 30 * time.Second},
		"heartbeatBrokerInterval":             {zero.HeartbeatEvery, 30 * time.Second},
		"instanceName":                        {zero.InstanceName, strconv.Itoa(os.Getpid())},
		"unitName":                            {zero.UnitName, ""},
		"clientId":                            {zero.clientID(), hostIP() + "@" + strconv.Itoa(os.Getpid())},
		"negative retries means none":         {Options{Retries: -3}.withDefaults().Retries, none},
		"negative async retries means none":   {Options{AsyncRetries: -3}.withDefaults().AsyncRetries, none},
		"a negative threshold means never":    {Options{CompressOver: -3}.withDefaults().CompressOver, none},
		"what is set stays":                   {Options{SendTimeout: 1, Retries: 7, CompressOver: 16}.withDefaults().SendTimeout, time.Duration(1)},
		"defaults of defaults change nothing": {zero.withDefaults().Retries, zero.Retries},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
		}
	}
}
