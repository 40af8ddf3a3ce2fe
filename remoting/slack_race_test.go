//go:build race

package remoting

const slack = 10
