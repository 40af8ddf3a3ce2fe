//go:build !race

package remoting

// slack is how many times longer the race detector makes things take, and how much smaller the largest tests are then.
const slack = 1
