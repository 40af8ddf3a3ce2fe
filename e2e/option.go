//go:build e2e

package e2e

import (
	"maps"
	"path/filepath"
)

// Option changes what [Start] starts. Later options win.
type Option func(*options)

// options is what the Options add up to.
type options struct {
	brokers    int
	nameServer map[string]string         // settings
	broker     map[string]string         // settings of every broker
	brokerOf   map[int]map[string]string // settings of one
	jvm        []string                  // of every server
	adminJVM   []string
	files      map[string]string // in every server's home, by relative path
}

func newOptions(opts []Option) options {
	o := options{
		brokers:    1,
		nameServer: map[string]string{},
		broker:     map[string]string{},
		brokerOf:   map[int]map[string]string{},
		files:      map[string]string{},
	}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// brokerSettings returns what the options say about broker i.
func (o options) brokerSettings(i int) map[string]string {
	s := maps.Clone(o.broker)
	maps.Copy(s, o.brokerOf[i])
	return s
}

// WithBrokers starts n brokers, named broker-a, broker-b, …, each a master; 1 without it.
func WithBrokers(n int) Option { return func(o *options) { o.brokers = n } }

// WithBrokerSetting sets a line of every broker's configuration file.
func WithBrokerSetting(key, value string) Option {
	return func(o *options) { o.broker[key] = value }
}

// WithPatience has brokers queue sends for 30 s instead of 200 ms before they refuse them as SYSTEM_BUSY, and call a page
// cache busy after 30 s: what a test machine that is busy with other things needs if every send is to be acknowledged.
func WithPatience() Option {
	return func(o *options) {
		o.broker["waitTimeMillsInSendQueue"] = "30000"
		o.broker["osPageCacheBusyTimeOutMills"] = "30000"
	}
}

// WithSettingOf sets a line of one broker's configuration file, counted from 0. With brokerName, brokerId and brokerRole a broker
// becomes another's slave; listenPort and the addresses are the launcher's.
func WithSettingOf(broker int, key, value string) Option {
	return func(o *options) {
		if o.brokerOf[broker] == nil {
			o.brokerOf[broker] = map[string]string{}
		}
		o.brokerOf[broker][key] = value
	}
}

// WithNameServerSetting sets a line of the name server's configuration file.
func WithNameServerSetting(key, value string) Option {
	return func(o *options) { o.nameServer[key] = value }
}

// WithJVMFlags adds flags to the command line of every server, such as -Dtls.server.mode=enforcing or a larger -Xmx.
func WithJVMFlags(flags ...string) Option {
	return func(o *options) { o.jvm = append(o.jvm, flags...) }
}

// WithAdminJVMFlags adds flags to the command line of mqadmin, such as -Dtls.enable=true.
func WithAdminJVMFlags(flags ...string) Option {
	return func(o *options) { o.adminJVM = append(o.adminJVM, flags...) }
}

// WithFile puts a file into the ROCKETMQ_HOME of every server and of mqadmin: conf/plain_acl.yml, conf/tools.yml.
func WithFile(path, content string) Option {
	return func(o *options) { o.files[filepath.FromSlash(path)] = content }
}
