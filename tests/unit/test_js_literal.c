/* Configurations written as JavaScript: what is read, what is worked out, what
 * is refused and where. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/js_literal.h"

/* A world that the tests own. */
static bool
false_host(void *arg, struct buf *out)
{
	return buf_adds(out, "web1.example.com");
}

static bool
false_env(void *arg, const char *name, struct buf *out)
{
	if (strcmp(name, "PORT") == 0)
		return buf_adds(out, "9125");
	if (strcmp(name, "EMPTY") == 0)
		return true;
	return false;
}

static bool
false_file(void *arg, const char *path, struct buf *out)
{
	if (strcmp(path, "/etc/hostname") == 0)
		return buf_adds(out, "db7.example.com\nmore\n");
	errno = ENOENT;
	return false;
}

static const struct js_env world = {
	.host_name = false_host, .get_env = false_env, .read_file = false_file
};

static void
show(struct buf *b, const struct js_value *v)
{
	switch (v->type) {
	case JS_STRING:
		buf_addc(b, '"');
		for (size_t i = 0; i < v->string.len; i++) {
			char c = v->string.ptr[i];

			if (c >= ' ' && c != 0x7f)
				buf_addc(b, c);
			else if ((c & 0x80) != 0)
				buf_addc(b, c);
			else
				buf_printf(b, "\\x%02x", (unsigned char)c);
		}
		buf_addc(b, '"');
		return;
	case JS_ARRAY:
		buf_addc(b, '[');
		for (size_t i = 0; i < v->n; i++) {
			buf_adds(b, i > 0 ? "," : "");
			show(b, v->items[i]);
		}
		buf_addc(b, ']');
		return;
	case JS_OBJECT:
		buf_addc(b, '{');
		for (size_t i = 0; i < v->n; i++) {
			buf_adds(b, i > 0 ? "," : "");
			buf_add_slice(b, v->members[i].name);
			buf_addc(b, ':');
			show(b, v->members[i].value);
		}
		buf_addc(b, '}');
		return;
	default:
		js_text(b, v);
	}
}

static void
read_as(struct slice in, struct buf *out)
{
	struct arena *a = arena_new();
	struct faults f;
	const struct js_value *v;

	faults_init(&f, a);
	v = js_read(in, "c.js", &world, a, &f);
	if (v != NULL) {
		ck_assert_uint_eq(f.errors, 0);
		show(out, v);
	} else {
		ck_assert_uint_eq(f.errors, 1);
		faults_print(&f, out);
		out->len--;		/* the line end */
	}
	arena_free(a);
}

static const struct {
	const char *in, *out;
} rows[] = {
	/* literals */
	{ "{}", "{}" },
	{ "{a:1}", "{a:1}" },
	{ "{a:1,}", "{a:1}" },
	{ "{,a:1}", "{a:1}" },
	{ "{\n  a: 1\n, b: 2\n, c: [ \"x\" ]\n}", "{a:1,b:2,c:[\"x\"]}" },
	{ "{'a': \"x\", \"b\": 'y', c_$1: `z`, 7: 1, 1.5: 2}",
	    "{a:\"x\",b:\"y\",c_$1:\"z\",7:1,1.5:2}" },
	{ "{a:1, a:2}", "{a:2}" },
	{ "{a:1, b:0, a:2}", "{a:2,b:0}" },
	{ "{['a'+1]: 2}", "{a1:2}" },
	{ "{true:1, null:2, class:3}", "{true:1,null:2,class:3}" },
	{ "[1,'a',[],{}]", "[1,\"a\",[],{}]" },
	{ "[1,]", "[1]" },
	{ "[,1,,2]", "[undefined,1,undefined,2]" },
	{ "[true,false,null,undefined,NaN,Infinity]",
	    "[true,false,null,undefined,NaN,Infinity]" },
	{ "[0,7,-7,+7,1.5,.5,5.,1e3,1E-2,2e+1]",
	    "[0,7,-7,7,1.5,0.5,5,1000,0.01,20]" },
	{ "[0x1F,0XaB,0b101,0o17,017,089,1_000]", "[31,171,5,15,15,89,1000]" },
	{ "- - 1", "1" },
	{ "[-0x10]", "[-16]" },
	/* strings */
	{ "'it\\'s'", "\"it's\"" },
	{ "\"a\\n\\t\\\\\\\"\\/\\q\"", "\"a\\x0a\\x09\\\"/q\"" },
	{ "'\\x41\\u0042\\u{43}\\0'", "\"ABC\\x00\"" },
	{ "'\\u00e9\\ud83d\\ude00'", "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
	{ "'\\ud83d!'", "\"\xef\xbf\xbd!\"" },
	{ "'a\\\nb\\\r\nc'", "\"abc\"" },
	{ "`a\nb`", "\"a\\x0ab\"" },
	{ "`a${1+1}b${'c'}${`d${0}`}`", "\"a2bcd0\"" },
	{ "'// no comment /* nor this */'", "\"// no comment /* nor this */\"" },
	/* comments, blanks, what stands around */
	{ "// a\n/* b * / */ {a /* c */ : // d\n 1}// e", "{a:1}" },
	{ "\xef\xbb\xbf{a:1}", "{a:1}" },
	{ "#!/usr/bin/node\n{a:1}", "{a:1}" },
	{ "{a:\xc2\xa0""1}\xe2\x80\xa8", "{a:1}" },
	{ "{a:1};;\n", "{a:1}" },
	{ "({a:1})", "{a:1}" },
	{ "module.exports = {a:1};", "{a:1}" },
	{ "module . exports={a:1}", "{a:1}" },
	{ "config = {a:1}", "{a:1}" },
	{ "exports = module.exports = {a:1}", "{a:1}" },
	{ "'use strict';\nmodule.exports = {a:1}", "{a:1}" },
	{ "\"use strict\"\nconst x = 1, y = x + 1\nlet z = [y];"
	    "var o = {p: z};\n module.exports = {x, y, z: o.p[0], o}",
	    "{x:1,y:2,z:2,o:{p:[2]}}" },
	{ "\r\n{\r\na: 1\r\n}\r\n", "{a:1}" },
	/* operators */
	{ "['a'+'b'+1, 1+2+'3', 1+-1, 'a'+null, 'a'+[1,2], {}+'']",
	    "[\"ab1\",\"33\",0,\"anull\",\"a1,2\",\"[object Object]\"]" },
	{ "[10*1000, 60*60*24, 7/2, 7%4, 2+3*4, (2+3)*4, 5-2-1]",
	    "[10000,86400,3.5,3,14,20,2]" },
	{ "[!0, !1, !'x', !!'']", "[true,false,false,false]" },
	{ "[1<2, 'b'>'a', 2>=2, 1==='1', 1=='1', 1!==1, null==undefined]",
	    "[true,true,true,false,true,false,true]" },
	{ "[0||'x', 'y'||'x', 0??1, null??1, 1&&2, 0&&2, ''||0||'z']",
	    "[\"x\",\"y\",0,1,2,0,\"z\"]" },
	{ "[1?2:3, 0?2:3, 1?0?4:5:6, 0 ? 1 : 0 ? 2 : 3]", "[2,3,5,3]" },
	{ "[1 ?.5:2]", "[0.5]" },
	/* the world */
	{ "require('os').hostname()", "\"web1.example.com\"" },
	{ "require( \"os\" ) . hostname ( ) . split('.')[0]", "\"web1\"" },
	{ "{s: require('node:os').hostname().split('.').reverse().join('.')}",
	    "{s:\"com.example.web1\"}" },
	{ "require('os').hostname().replace(/\\./g, '_')",
	    "\"web1_example_com\"" },
	{ "require('os').hostname().replace('.', '_')",
	    "\"web1_example.com\"" },
	{ "require('os').hostname().replace(/^(\\w+)\\..*$/, 'h-$1$$')",
	    "\"h-web1$\"" },
	{ "require('os').hostname().split(/[.]/)[1]", "\"example\"" },
	{ "'aXbxc'.replace(/x/gi, '-')", "\"a-b-c\"" },
	{ "'a/b'.replace(/[/]/, '')", "\"ab\"" },
	{ "const os = require('os'); module.exports = {h: os.hostname()}",
	    "{h:\"web1.example.com\"}" },
	{ "[process.env.PORT, process.env['PORT'], process.env.NO]",
	    "[\"9125\",\"9125\",undefined]" },
	{ "[process.env.NO || 8125, process.env.EMPTY || 1, "
	    "process.env.EMPTY ?? 1, process.env.NO ?? 1]",
	    "[8125,1,\"\",1]" },
	{ "[parseInt(process.env.PORT, 10), +process.env.PORT, "
	    "Number(process.env.PORT)+1, parseInt('12px'), parseFloat('1.5s')]",
	    "[9125,9125,9126,12,1.5]" },
	{ "process.env.NO ? process.env.NO.split(',') : ['a']", "[\"a\"]" },
	{ "process.env.NO?.split(',')[0]", "undefined" },
	{ "process.env.PORT?.length", "4" },
	{ "process.env.NO === undefined ? 1 : 2", "1" },
	{ "process.env.PORT == 9125", "true" },
	{ "require('fs').readFileSync('/etc/hostname').toString()"
	    ".split('\\n')[0].split('.')[0]", "\"db7\"" },
	{ "require('fs').readFileSync('/etc/hostname', 'utf8').trim()",
	    "\"db7.example.com\\x0amore\"" },
	{ "const fs = require('fs');\nmodule.exports = fs.existsSync('/no') ? "
	    "fs.readFileSync('/no') : 'none'", "\"none\"" },
	{ "'a' || require('child_process').execSync('rm -rf /')", "\"a\"" },
	{ "1 ? 2 : require('fs').readFileSync('/no')", "2" },
	/* methods */
	{ "[' a '.trim(), 'aBc'.toUpperCase(), 'aBc'.toLowerCase(), "
	    "(5).toString(), 5..toString()]",
	    "[\"a\",\"ABC\",\"abc\",\"5\",\"5\"]" },
	{ "['abcd'.slice(1,3), 'abcd'.slice(-2), 'abcd'.substring(3,1), "
	    "'abcd'.substr(1,2), 'abcd'.charAt(1), 'abcd'[2], 'abcd'.length]",
	    "[\"bc\",\"cd\",\"bc\",\"bc\",\"b\",\"c\",4]" },
	{ "['ab'.indexOf('b'), 'ab'.includes('c'), 'ab'.startsWith('a'), "
	    "'ab'.endsWith('b'), 'a'.concat('b',1)]",
	    "[1,false,true,true,\"ab1\"]" },
	{ "['a,b,,c'.split(','), 'abc'.split(''), 'abc'.split(), "
	    "'a,b'.split(',',1), ''.split(',')]",
	    "[[\"a\",\"b\",\"\",\"c\"],[\"a\",\"b\",\"c\"],[\"abc\"],[\"a\"],[\"\"]]" },
	{ "[[1,2,3].slice(1), [1].concat(2,[3,4]), [1,2].pop(), [1,2].shift(), "
	    "[1,2].join('-'), [1,2].length, ['a'].indexOf('a'), [1,2][5]]",
	    "[[2,3],[1,2,3,4],2,1,\"1-2\",2,0,undefined]" },
	/* refused: syntax */
	{ "", "c.js:1:1: expected a value, found the end of the file" },
	{ "{a:1", "c.js:1:5: expected , or } in an object, found the end of "
	    "the file" },
	{ "{a:1 b:2}", "c.js:1:6: expected , or } in an object, found \"b:2}\"" },
	{ "{\n\n  a: 'x\n}", "c.js:3:6: a string that does not end" },
	{ "{a /* }", "c.js:1:4: a comment that does not end" },
	{ "{a:1} b", "c.js:1:7: expected the end of the file, found \"b\"" },
	{ "{a 1}", "c.js:1:4: expected : behind a member's name, found \"1}\"" },
	{ "{a:}", "c.js:1:4: expected a value, found \"}\"" },
	{ "[1 2]", "c.js:1:4: expected , or ] in an array, found \"2]\"" },
	{ "{-1:2}", "c.js:1:2: expected the name of a member, found \"-1:2}\"" },
	{ "'\\xg'", "c.js:1:2: \"\\x\" without its hexadecimal digits" },
	{ "'\\u12'", "c.js:1:2: \"\\u\" without its hexadecimal digits" },
	{ "'\\12'", "c.js:1:2: \"\\1\": write \\x and two digits" },
	{ "12ab", "c.js:1:1: \"12ab\" is no number" },
	{ "[10n]", "c.js:1:2: \"10n\" is no number" },
	{ "{a: /x}", "c.js:1:5: a pattern that does not end" },
	{ "(1", "c.js:1:3: expected ), found the end of the file" },
	{ "1 ? 2", "c.js:1:6: expected : of a condition, found the end of the "
	    "file" },
	{ "var x; x", "c.js:1:6: expected = in a declaration, found \"; x\"" },
	/* refused: it would have to be run */
	{ "{\n\ta: 1,\n\tb: foo(1),\n}", "c.js:3:5: \"foo(1)\" cannot be worked "
	    "out without running JavaScript" },
	{ "{a: function() { return 1 }}", "c.js:1:5: \"function() { return 1 "
	    "}}\" cannot be worked out without running JavaScript" },
	{ "{a() {}}", "c.js:1:2: \"a\" cannot be worked out without running "
	    "JavaScript" },
	{ "{get a() {}}", "c.js:1:2: \"get\" cannot be worked out without "
	    "running JavaScript" },
	{ "(function(){})()", "c.js:1:2: \"function(){})()\" cannot be worked "
	    "out without running JavaScript" },
	{ "{a: new Date()}", "c.js:1:5: \"new Date()}\" cannot be worked out "
	    "without running JavaScript" },
	{ "{...x}", "c.js:1:2: expected the name of a member, found \"...x}\"" },
	{ "{x}", "c.js:1:3: expected : behind a member's name, found \"}\"" },
	{ "{a: require('child_process')}", "c.js:1:5: \"require('child_process')"
	    "\" cannot be worked out without running JavaScript" },
	{ "{a: require('./other')}", "c.js:1:5: \"require('./other')\" cannot "
	    "be worked out without running JavaScript" },
	{ "{a: require('os').cpus().length}", "c.js:1:5: \"require('os').cpus\" "
	    "cannot be worked out without running JavaScript" },
	{ "{a: require('os')}", "c.js:1:5: \"require('os')\" cannot be worked "
	    "out without running JavaScript" },
	{ "{a: process.argv[2]}", "c.js:1:5: \"process.argv\" cannot be worked "
	    "out without running JavaScript" },
	{ "{a: process.env}", "c.js:1:5: \"process.env\" cannot be worked out "
	    "without running JavaScript" },
	{ "{a: 'x'.padStart(3)}", "c.js:1:5: \"'x'.padStart\" cannot be worked "
	    "out without running JavaScript" },
	{ "{a: 'x'(1)}", "c.js:1:5: \"'x'(1)\" cannot be worked out without "
	    "running JavaScript" },
	{ "{a: process.env.NO.split(',')}", "c.js:1:5: \"split\" of undefined" },
	{ "{a: require('fs').readFileSync('/no')}",
	    "c.js:1:5: /no: No such file or directory" },
	{ "{a: /x/}", "c.js:1:5: \"/x/\" cannot be worked out without running "
	    "JavaScript" },
	{ "{a: 'x'.replace(/(/, '')}", "c.js:1:5: pattern /(/: missing closing "
	    "parenthesis" },
	{ "{a: 'aa'.replace(/^a/g, '')}", "c.js:1:5: \"'aa'.replace(/^a/g, "
	    "'')\" cannot be worked out without running JavaScript" },
	{ "{a: '\xc3\xa9'.length}", "c.js:1:5: \"'\xc3\xa9'.length\" cannot be "
	    "worked out without running JavaScript" },
	{ "var a = [1,2]; [a.pop(), a.pop()]", "c.js:1:17: \"a.pop()\" cannot "
	    "be worked out without running JavaScript" },
	{ "{'\xc3\xa9': x}", "c.js:1:7: \"x}\" cannot be worked out without "
	    "running JavaScript" },
	{ "{a: x => 1}", "c.js:1:5: \"x => 1}\" cannot be worked out without "
	    "running JavaScript" },
	{ "{a: a++}", "c.js:1:5: \"a++}\" cannot be worked out without running "
	    "JavaScript" },
};

START_TEST(reads)
{
	struct buf out = BUF_INIT(1 << 20);

	read_as(slice_str(rows[_i].in), &out);
	ck_assert_str_eq(buf_cstr(&out), rows[_i].out);
	buf_fini(&out);
}
END_TEST

/* Every beginning of a text ends, with a value or one fault. */
START_TEST(beginnings)
{
	struct slice in = slice_str(rows[_i].in);
	size_t edge = in.len;
	char *copy;

	for (size_t n = 0; n < edge; n++) {
		struct buf out = BUF_INIT(1 << 20);

		copy = malloc(n + 1);
		memcpy(copy, in.ptr, n);
		read_as(slice_of(n == 0 ? NULL : copy, n), &out);
		free(copy);
		buf_fini(&out);
	}
}
END_TEST

static void
repeated(const char *a, size_t n, const char *b, const char *fault)
{
	struct buf in = BUF_INIT(4 << 20), out = BUF_INIT(128 << 20);

	for (size_t i = 0; i < n; i++)
		buf_adds(&in, a);
	buf_adds(&in, b);
	read_as(buf_slice(&in), &out);
	ck_assert_msg(strstr(buf_cstr(&out), fault) != NULL, "%.200s", out.data);
	buf_fini(&in);
	buf_fini(&out);
}

START_TEST(bounds)
{
	repeated("[", 50000, "", "nested more than 100 deep");
	repeated("(", 50000, "", "nested more than 100 deep");
	repeated("{a:", 50000, "", "nested more than 100 deep");
	repeated("!", 50000, "1", "nested more than 100 deep");
	repeated("`${", 50000, "1", "nested more than 100 deep");
	repeated("1?", 50000, "1", "nested more than 100 deep");
	repeated("x[", 90, "1", "\"x[x[");
	repeated("1+", 100000, "1", "100001");
	repeated("1||", 100000, "1", "1");
	repeated(" ", 2 << 20, "1", "larger than 1048576 bytes");
	repeated("const a='xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';"
	    "const b=a+a+a+a+a+a+a+a;const c=b+b+b+b+b+b+b+b;"
	    "const d=c+c+c+c+c+c+c+c;const e=d+d+d+d+d+d+d+d;"
	    "const f=e+e+e+e+e+e+e+e;const g=f+f;", 1, "g",
	    "a string longer than 1048576 bytes");
	repeated("const a='xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';"
	    "const b=a+a+a+a+a+a+a+a;const c=b+b+b+b+b+b+b+b;"
	    "const d=c+c+c+c+c+c+c+c;const e=d+d+d+d+d+d+d+d;"
	    "const f=e+e+e+e+e+e+e+e;[", 1, "f+'',f+'',f+'',f+'',f+'',f+'',f+'',"
	    "f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',"
	    "f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',"
	    "f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',"
	    "f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',f+'',"
	    "f+'',f+'',f+'',f+'',f+'',f+'',f+'']", "take more than 64 MiB");
	/* the same array over and over, one within the other */
	repeated("const a=[1,1],b=[a,a,a,a],c=[b,b,b,b],d=[c,c,c,c],e=[d,d,d,d],"
	    "f=[e,e,e,e],g=[f,f,f,f],h=[g,g,g,g],i=[h,h,h,h],j=[i,i,i,i],k=[j,j];",
	    1, "''+k", "a string longer than 1048576 bytes");
}
END_TEST

START_TEST(nobody_to_ask)
{
	static const char *const asks[] = { "require('os').hostname()",
	    "process.env.X || 1", "require('fs').readFileSync('/x')" };
	static const struct js_env nobody;
	struct arena *a = arena_new();
	struct faults f;

	for (size_t i = 0; i < 3; i++) {
		faults_init(&f, a);
		ck_assert_ptr_null(js_read(slice_str(asks[i]), "x", &nobody, a,
		    &f));
		ck_assert_uint_eq(f.errors, 1);
	}
	arena_free(a);
}
END_TEST

START_TEST(real_world)
{
	struct arena *a = arena_new();
	struct faults f;
	const struct js_value *v;

	setenv("JS_LITERAL_TEST", "here", 1);
	faults_init(&f, a);
	v = js_read(SLICE("{h: require('os').hostname().length > 0, "
	    "e: process.env.JS_LITERAL_TEST, "
	    "f: require('fs').readFileSync('/proc/self/comm').length > 0}"),
	    "x", &js_env_real, a, &f);
	ck_assert_ptr_nonnull(v);
	ck_assert(js_truth(js_get(v, "h")));
	ck_assert(js_truth(js_get(v, "f")));
	ck_assert(slice_eq(js_get(v, "e")->string, SLICE("here")));
	ck_assert_ptr_null(js_get(v, "nothing"));
	arena_free(a);
}
END_TEST

int
main(void)
{
	const size_t n = sizeof rows / sizeof *rows;
	Suite *s = suite_create("js_literal");
	TCase *t = tcase_create("js_literal");
	SRunner *r;
	int bad;

	tcase_add_loop_test(t, reads, 0, n);
	tcase_add_loop_test(t, beginnings, 0, n);
	tcase_add_test(t, bounds);
	tcase_add_test(t, nobody_to_ask);
	tcase_add_test(t, real_world);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad != 0;
}
