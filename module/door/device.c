// SPDX-License-Identifier: GPL-2.0
/*
 * Device nodes: each pool has a minor number and /dev/zcpool/NAME.
 *
 * The kernel makes the node by what the device says of its mode and owner, and never looks at
 * that again. So a pool whose permissions change gets another device of the same number and
 * name. Whoever has the old node open does not notice; where it has been mounted on another
 * file, that mount goes with it.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/kdev_t.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "../compat.h"
#include "door.h"

/* Pools there can be at once */
#define ZCP_NR_MINORS	256

/**
 * struct zcp_device - what the kernel knows of a pool's device node
 * @dev: its device
 * @mode: permissions of the node
 * @uid: its owner
 * @gid: its group
 */
struct zcp_device {
	struct device dev;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
};

static zcp_const_class struct class zcp_class = { .name = "zcpool" };
static dev_t zcp_first_dev;
static struct cdev zcp_cdev;
/* Pools by minor number */
static DEFINE_IDR(zcp_minors);
static DEFINE_MUTEX(zcp_minors_lock);	/* zcp_minors */

static void zcp_device_release(struct device *dev)
{
	kfree(container_of(dev, struct zcp_device, dev));
}

/*
 * The name is the device's own, in which "!" stands for "/". Where the node is to go, nobody
 * asks for more.
 */
static char *zcp_devnode(zcp_const_device *dev, umode_t *mode, kuid_t *uid, kgid_t *gid)
{
	const struct zcp_device *device = container_of(dev, struct zcp_device, dev);

	if (mode)
		*mode = device->mode;
	if (uid)
		*uid = device->uid;
	if (gid)
		*gid = device->gid;
	return NULL;
}

static const struct device_type zcp_device_type = {
	.name		= "zcpool",
	.devnode	= zcp_devnode,
	.release	= zcp_device_release,
};

/*
 * Who may read a directory need not be allowed to allocate, but who has a device open is. So
 * reading and writing go with writing.
 */
static umode_t zcp_device_mode(umode_t mode)
{
	return (mode & 0222) | (mode & 0222) << 1;
}

static struct device *zcp_device_create(struct zcp_pool *pool,
					const struct zcp_settings *settings)
{
	struct zcp_device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	struct device *dev;
	int err;

	if (!device)
		return ERR_PTR(-ENOMEM);
	device->mode = zcp_device_mode(settings->mode);
	device->uid = settings->uid;
	device->gid = settings->gid;
	dev = &device->dev;
	device_initialize(dev);
	dev->class = &zcp_class;
	dev->type = &zcp_device_type;
	dev->devt = MKDEV(MAJOR(zcp_first_dev), MINOR(zcp_first_dev) + pool->minor);
	err = dev_set_name(dev, "zcpool!%s", pool->name);
	if (!err)
		err = device_add(dev);
	if (err) {
		put_device(dev);
		return ERR_PTR(err);
	}
	return dev;
}

/**
 * zcp_device_add() - give a pool its device
 * @pool: ready for use, with its settings
 *
 * Context: may sleep.
 * Return: 0; -ENOSPC there are too many pools; -ENOMEM; or another error of device_add().
 */
int zcp_device_add(struct zcp_pool *pool)
{
	struct device *dev;
	int minor;

	mutex_lock(&zcp_minors_lock);
	/* A node that somebody has made by hand is not to be another pool's soon. */
	minor = idr_alloc_cyclic(&zcp_minors, pool, 0, ZCP_NR_MINORS, GFP_KERNEL);
	mutex_unlock(&zcp_minors_lock);
	if (minor < 0)
		return minor;
	pool->minor = minor;
	dev = zcp_device_create(pool, pool->settings);
	if (IS_ERR(dev)) {
		mutex_lock(&zcp_minors_lock);
		idr_remove(&zcp_minors, minor);
		mutex_unlock(&zcp_minors_lock);
		return PTR_ERR(dev);
	}
	pool->device = dev;
	return 0;
}

/**
 * zcp_device_change() - have a pool's device node have other permissions
 * @pool: with the settings it has so far
 * @settings: what it is to have
 *
 * For a moment there is no node.
 *
 * Context: may sleep; under the pool's change_lock.
 * Return: 0; -ENOMEM or another error of device_add(), and the node is what it was, unless
 * that fails, too: then there is none until the permissions change again.
 */
int zcp_device_change(struct zcp_pool *pool, const struct zcp_settings *settings)
{
	const struct zcp_settings *old = pool->settings;
	struct device *dev;
	int err = 0;

	if (pool->device && zcp_device_mode(old->mode) == zcp_device_mode(settings->mode) &&
	    uid_eq(old->uid, settings->uid) && gid_eq(old->gid, settings->gid))
		return 0;
	if (pool->device)
		device_unregister(pool->device);
	dev = zcp_device_create(pool, settings);
	if (IS_ERR(dev)) {
		err = PTR_ERR(dev);
		dev = zcp_device_create(pool, old);
	}
	pool->device = IS_ERR(dev) ? NULL : dev;
	return err;
}

/**
 * zcp_device_remove() - undo zcp_device_add(), as far as it has been done
 * @pool: which
 *
 * Context: may sleep.
 */
void zcp_device_remove(struct zcp_pool *pool)
{
	if (pool->device)
		device_unregister(pool->device);
	mutex_lock(&zcp_minors_lock);
	if (idr_find(&zcp_minors, pool->minor) == pool)
		idr_remove(&zcp_minors, pool->minor);
	mutex_unlock(&zcp_minors_lock);
}

/**
 * zcp_device_pool() - the pool behind a device node
 * @inode: of the node
 *
 * Context: may sleep.
 * Return: the pool, held; NULL if it has gone, or is going.
 */
struct zcp_pool *zcp_device_pool(const struct inode *inode)
{
	struct zcp_pool *pool;

	mutex_lock(&zcp_minors_lock);
	pool = idr_find(&zcp_minors, iminor(inode) - MINOR(zcp_first_dev));
	if (pool && !zcp_pool_try_get(pool))
		pool = NULL;
	mutex_unlock(&zcp_minors_lock);
	return pool;
}

/**
 * zcp_device_init() - have a range of device numbers
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, -EBUSY, or another error of class_register().
 */
int zcp_device_init(void)
{
	int err = alloc_chrdev_region(&zcp_first_dev, 0, ZCP_NR_MINORS, "zcpool");

	if (err)
		return err;
	err = class_register(&zcp_class);
	if (err)
		goto unregister_region;
	cdev_init(&zcp_cdev, &zcp_dev_fops);
	zcp_cdev.owner = THIS_MODULE;
	err = cdev_add(&zcp_cdev, zcp_first_dev, ZCP_NR_MINORS);
	if (err)
		goto unregister_class;
	return 0;

unregister_class:
	class_unregister(&zcp_class);
unregister_region:
	unregister_chrdev_region(zcp_first_dev, ZCP_NR_MINORS);
	return err;
}

/**
 * zcp_device_exit() - undo zcp_device_init()
 *
 * Context: may sleep; no pool is left.
 */
void zcp_device_exit(void)
{
	cdev_del(&zcp_cdev);
	class_unregister(&zcp_class);
	unregister_chrdev_region(zcp_first_dev, ZCP_NR_MINORS);
	idr_destroy(&zcp_minors);
}
